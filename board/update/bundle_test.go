package update_test

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"centralino/board/update"
)

var flips = flag.Int("flips", 200, "random bit flips of a bundle")

var (
	key, spare, foreign = testKey(1), testKey(2), testKey(3)
	trusted             = update.Keys{key.Public().(ed25519.PublicKey), spare.Public().(ed25519.PublicKey)}
)

func testKey(n byte) ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed(bytes.Repeat([]byte{n}, ed25519.SeedSize))
}

// picture is the image of a slot: blocks of noise, of which those named are zeros.
func picture(seed uint64, size int, zeros ...int) []byte {
	b := make([]byte, size)
	r := rand.NewChaCha8([32]byte{byte(seed)})
	_, _ = r.Read(b) // never fails
	for _, z := range zeros {
		clear(b[z*update.BlockSize : min((z+1)*update.BlockSize, size)])
	}
	return b
}

func testManifest() update.Manifest {
	return update.Manifest{Version: "v2.0", Release: 20, Boards: []string{"rpi", "sim"}, Made: time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)}
}

func makeBundle(t testing.TB, m update.Manifest, image []byte, key ed25519.PrivateKey) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := update.Make(&out, m, bytes.NewReader(image), int64(len(image)), key); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// unpack reads a bundle to its end and gives the image that it holds.
func unpack(b *update.Bundle, err error) ([]byte, error) {
	if err != nil {
		return nil, err
	}
	image := make([]byte, b.Manifest().Size)
	for {
		at, block, err := b.Next()
		if errors.Is(err, io.EOF) {
			return image, nil
		}
		if err != nil {
			return nil, err
		}
		copy(image[at:], block)
	}
}

func open(file []byte) ([]byte, error) {
	return unpack(update.Open(bytes.NewReader(file), trusted))
}

func TestBundleGivesBackTheImage(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		blocks := rapid.IntRange(1, 4).Draw(t, "blocks")
		size := blocks*update.BlockSize - 512*rapid.IntRange(0, 511).Draw(t, "missing sectors")
		image := make([]byte, size)
		for i := range blocks {
			if rapid.Bool().Draw(t, "noise") || i == 0 {
				copy(image[i*update.BlockSize:], picture(uint64(i)+1, min(update.BlockSize, size-i*update.BlockSize)))
			}
		}
		signer := rapid.SampledFrom([]ed25519.PrivateKey{key, spare}).Draw(t, "key")
		var out bytes.Buffer
		if err := update.Make(&out, testManifest(), bytes.NewReader(image), int64(size), signer); err != nil {
			t.Fatal(err)
		}
		got, err := open(out.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, image[:len(got)]) || len(bytes.Trim(image[len(got):], "\x00")) > 0 {
			t.Fatal("another image came out")
		}
	})
}

func TestBundleLeavesZerosOut(t *testing.T) {
	image := picture(1, 5*update.BlockSize, 1, 3, 4)
	file := makeBundle(t, testManifest(), image, key)
	if n := len(file) / update.BlockSize; n != 2 {
		t.Errorf("%d blocks stand in the file, want 2", n)
	}
}

// sites are the places of a bundle's parts.
func sites(file []byte) (signature, length, manifest, blocks int) {
	const magic = len("centralino-slot\n")
	end := bytes.Index(file, []byte(`"}`)) + 2 // the sums, in base64, end the manifest
	return magic + 8, magic + 8 + ed25519.SignatureSize, magic + 8 + ed25519.SignatureSize + 4, end
}

func TestRefusedBundles(t *testing.T) {
	image := picture(1, 2*update.BlockSize+4096)
	good := makeBundle(t, testManifest(), image, key)
	signature, length, manifest, blocks := sites(good)
	changed := func(at int, to ...byte) []byte {
		b := bytes.Clone(good)
		copy(b[at:], to)
		return b
	}
	for _, c := range []struct {
		name string
		file []byte
		want update.Reason
	}{
		{"nothing", nil, update.NotABundle},
		{"a picture", append([]byte("\x89PNG\r\n\x1a\n"), make([]byte, 200)...), update.NotABundle},
		{"no signature", changed(signature, make([]byte, ed25519.SignatureSize)...), update.Unsigned},
		{"signed by a key that the box does not know", makeBundle(t, testManifest(), image, foreign), update.ForeignKey},
		{"signed by a foreign key under the name of a known one", append(bytes.Clone(good[:signature]), makeBundle(t, testManifest(), image, foreign)[signature:]...), update.Tampered},
		{"another version in the manifest", bytes.Replace(good, []byte(`"v2.0"`), []byte(`"v9.0"`), 1), update.Tampered},
		{"a manifest of no length", changed(length, 0, 0, 0, 0), update.Tampered},
		{"a manifest without end", changed(length, 0xff, 0xff, 0xff, 0xff), update.Tampered},
		{"a changed manifest", changed(manifest+3, 'X'), update.Tampered},
		{"a changed first block", changed(blocks+100, ^good[blocks+100]), update.Damaged},
		{"a changed last octet", changed(len(good)-1, ^good[len(good)-1]), update.Damaged},
		{"an octet more", append(bytes.Clone(good), 0), update.Trailing},
		{"two blocks exchanged", slicesOf(good[:blocks], good[blocks+update.BlockSize:blocks+2*update.BlockSize], good[blocks:blocks+update.BlockSize], good[blocks+2*update.BlockSize:]), update.Damaged},
	} {
		if _, err := open(c.file); update.ReasonOf(err) != c.want {
			t.Errorf("%s: %v, want %s", c.name, err, c.want)
		}
	}
	if _, err := unpack(update.Open(bytes.NewReader(good), nil)); update.ReasonOf(err) != update.NoKeys {
		t.Errorf("a box without keys takes a bundle: %v", err)
	}
}

func slicesOf(parts ...[]byte) (all []byte) {
	for _, p := range parts {
		all = append(all, p...)
	}
	return all
}

// TestTruncatedEverywhere cuts a bundle off at each octet of its head and manifest,
// and at each block's borders.
func TestTruncatedEverywhere(t *testing.T) {
	good := makeBundle(t, testManifest(), picture(1, 3*update.BlockSize+512, 1), key)
	_, _, _, blocks := sites(good)
	cuts := []int{}
	for i := range blocks + 1 {
		cuts = append(cuts, i)
	}
	for at := blocks; at < len(good); at += update.BlockSize {
		cuts = append(cuts, at-1, at, at+1, at+update.BlockSize/2)
	}
	for _, at := range append(cuts, len(good)-1) {
		if at >= len(good) {
			continue
		}
		want := update.Truncated
		if at < len("centralino-slot\n") {
			want = update.NotABundle
		}
		if _, err := open(good[:at]); update.ReasonOf(err) != want {
			t.Fatalf("cut off at %d of %d: %v, want %s", at, len(good), err, want)
		}
	}
}

// TestBitFlips flips one random bit at a time. The control takes the blocks unchecked
// and must accept what differs in them: so the flips arrive where it matters.
func TestBitFlips(t *testing.T) {
	image := picture(1, 2*update.BlockSize+4096)
	good := makeBundle(t, testManifest(), image, key)
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	accepted, control := 0, 0
	for range *flips {
		bad := bytes.Clone(good)
		bit := r.IntN(8 * len(bad))
		bad[bit/8] ^= 1 << (bit % 8)
		if _, err := open(bad); err == nil {
			accepted++
			t.Errorf("seed %d: bit %d may flip", seed, bit)
		} else if update.ReasonOf(err) == "" {
			t.Errorf("bit %d: %v has no reason", bit, err)
		}
		if got, err := unpack(update.OpenUnchecked(bytes.NewReader(bad), trusted)); err == nil && !bytes.Equal(got, image) {
			control++
		}
	}
	if control < *flips*9/10 {
		t.Errorf("without its checks a damaged bundle is taken %d times of %d: the flips do not reach it", control, *flips)
	}
	t.Logf("FIGURE\tbit flips of a bundle accepted\t%d of %d\tflips", accepted, *flips)
	t.Logf("FIGURE\tthe same with the check of blocks off (control)\t%d of %d\tflips", control, *flips)
}

func TestAdmit(t *testing.T) {
	box := update.Box{Board: "rpi", Release: 20, SlotSize: 1 << 20}
	m := testManifest()
	m.Size = 1 << 20
	older, large, elsewhere := m, m, m
	older.Release, large.Size, elsewhere.Boards = 19, 1<<20+512, []string{"qemu-virt"}
	pressed := box
	pressed.Downgrade = true
	for _, c := range []struct {
		name string
		m    update.Manifest
		box  update.Box
		want update.Reason
	}{
		{"the same release again is taken", m, box, ""},
		{"an older release is refused", older, box, update.Older},
		{"an older release with the button is taken", older, pressed, ""},
		{"one octet too many is refused", large, pressed, update.TooLarge},
		{"another board is refused, also with the button", elsewhere, pressed, update.WrongBoard},
	} {
		if err := update.Admit(c.m, c.box); update.ReasonOf(err) != c.want {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

func TestManifestLimits(t *testing.T) {
	good := makeBundle(t, testManifest(), picture(1, 4096), key)
	_, _, from, to := sites(good)
	text := string(good[from:to])
	if _, err := update.ParseManifest([]byte(text)); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, old, new string }{
		{"another format", `"format":1`, `"format":2`},
		{"another product", `"centralino"`, `"asterisk"`},
		{"a version with a space", `"v2.0"`, `"v 2.0"`},
		{"a version of control characters", `"v2.0"`, `"\u0007"`},
		{"a long version", `"v2.0"`, `"` + strings.Repeat("v", 65) + `"`},
		{"no board", `["rpi","sim"]`, `[]`},
		{"half a sector", `"size":4096`, `"size":4095`},
		{"no size", `"size":4096`, `"size":0`},
		{"a size below zero", `"size":4096`, `"size":-512`},
		{"more blocks than sums", `"size":4096`, `"size":1048576`},
		{"a huge size", `"size":4096`, `"size":1099511627776`},
		{"an odd block", `"block":262144`, `"block":262143`},
		{"a tiny block", `"block":262144`, `"block":1`},
		{"an unknown field", `"format":1`, `"format":1,"run":"sh"`},
		{"something after it", `"}`, `"} {}`},
	} {
		bad := strings.Replace(text, c.old, c.new, 1)
		if bad == text {
			t.Fatalf("%s: nothing was changed", c.name)
		}
		if _, err := update.ParseManifest([]byte(bad)); err == nil {
			t.Errorf("%s is taken", c.name)
		}
	}
}

func TestKeys(t *testing.T) {
	file, err := update.NewPrivateKey()
	if err != nil {
		t.Fatal(err)
	}
	made, err := update.ParsePrivateKey(file)
	if err != nil {
		t.Fatal(err)
	}
	both := update.PublicText(made) + ", " + update.PublicText(spare)
	keys, err := update.ParseKeys(both)
	if err != nil || len(keys) != 2 || !keys[0].Equal(made.Public()) {
		t.Errorf("%q reads as %v, %v", both, keys, err)
	}
	if keys, err := update.ParseKeys(""); err != nil || len(keys) != 0 {
		t.Errorf("no keys read as %v, %v", keys, err)
	}
	for _, bad := range []string{"x", "AAAA", both + "," + both} {
		if keys, err := update.ParseKeys(bad); err == nil {
			t.Errorf("%q reads as %v", bad, keys)
		}
	}
	for _, bad := range []string{"", "hello", strings.Replace(string(file), "PRIVATE", "PUBLIC", 2), strings.Replace(string(file), "MC4", "MC5", 1)} {
		if _, err := update.ParsePrivateKey([]byte(bad)); err == nil {
			t.Errorf("%q is taken for a key", bad)
		}
	}
}

func FuzzOpen(f *testing.F) {
	good := makeBundle(f, testManifest(), picture(1, 8192), key)
	f.Add(good)
	f.Add(good[:100])
	f.Add([]byte("centralino-slot\n"))
	f.Fuzz(func(t *testing.T, file []byte) {
		image, err := open(file)
		if err != nil && update.ReasonOf(err) == "" {
			t.Errorf("%v has no reason", err)
		}
		if err == nil && !bytes.Equal(file, good) {
			t.Errorf("another bundle is taken, of %d octets", len(image))
		}
	})
}

func FuzzManifest(f *testing.F) {
	good := makeBundle(f, testManifest(), picture(1, 8192), key)
	_, _, from, to := sites(good)
	f.Add(good[from:to])
	f.Add([]byte(`{"format":1,"product":"centralino","version":"v","release":1,"boards":["x"],"size":512,"block":4096,"sums":""}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		m, err := update.ParseManifest(text)
		if err != nil {
			return
		}
		if m.Size <= 0 || m.Block <= 0 || int64(len(m.Sums)/32)*int64(m.Block) < m.Size {
			t.Errorf("%+v is taken", m)
		}
		for _, s := range append(m.Boards, m.Version) {
			if strings.ContainsAny(s, " \n\x00") {
				t.Errorf("the word %q is taken", s)
			}
		}
	})
}

func ExampleReasonOf() {
	_, err := update.Open(strings.NewReader("hello"), trusted)
	fmt.Println(update.ReasonOf(err))
	// Output: notABundle
}
