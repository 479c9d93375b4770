package main

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

func TestKernelOfAGoModule(t *testing.T) {
	k := goKernel{path: "example.org/kernel", version: "v0.0.0-1", sum: "h1:x", release: "6.12.47-v8", serial: "ttyS0", trees: []string{"a.dtb"}, lacks: []string{"nls_utf8"}}
	folder := fstest.MapFS{}
	for name, body := range map[string]string{
		"vmlinuz": "kernel", "a.dtb": "tree", "b.dtb": "another", "_build/upstream-url.txt": "here\n",
		"lib/modules/6.12.47-v8/modules.builtin":         "kernel/fs/ext4/ext4.ko\nkernel/drivers/usb/serial/cp210x.ko\n",
		"lib/modules/6.12.47-v8/kernel/net/usb/r8152.ko": "module",
		"lib/modules/6.12.47-v8/kernel/sound/snd-pcm.ko": "sound",
		"lib/modules/6.12.47-v8/modules.dep":             "",
	} {
		folder[name] = &fstest.MapFile{Data: []byte(body)}
	}
	var in inputs
	if err := k.read(folder, &in); err != nil {
		t.Fatal(err)
	}
	if string(in.kernel) != "kernel" || len(in.trees) != 1 || len(in.modules) != 2 || string(in.modules["snd-pcm.ko"]) != "sound" || fmt.Sprint(in.builtin) != "[ext4 cp210x]" {
		t.Errorf("%+v", in)
	}
	if len(in.sources) != 1 || !strings.Contains(in.sources[0].Origin, "from here") {
		t.Errorf("its source is told as %+v", in.sources)
	}
	if got := in.had([]string{"vfat", "nls-utf8"}); fmt.Sprint(got) != "[vfat]" {
		t.Errorf("wanted are %v", got)
	}
	for _, name := range []string{"vmlinuz", "a.dtb", "lib/modules/6.12.47-v8/modules.builtin"} {
		half := fstest.MapFS{}
		for n, f := range folder {
			if n != name {
				half[n] = f
			}
		}
		if err := k.read(half, &inputs{}); err == nil {
			t.Errorf("it is taken without %s", name)
		}
	}
}

func TestPinOfTheGoKernelIsWhole(t *testing.T) {
	sum, ok := strings.CutPrefix(piKernel.sum, "h1:")
	if b, err := base64.StdEncoding.DecodeString(sum); !ok || err != nil || len(b) != 32 {
		t.Errorf("its sum is %q", piKernel.sum)
	}
	for _, name := range piKernel.lacks {
		if name != moduleName(name) {
			t.Errorf("%s must be written with underscores", name)
		}
		if tg, _ := targetByName("rpi"); !slices.ContainsFunc(slices.Concat(always, everyModule, forSticks, tg.modules), func(s string) bool { return moduleName(s) == name }) {
			t.Errorf("%s is lacking, but nobody wants it", name)
		}
	}
	for _, tg := range targets {
		if _, ok := providerByName(tg.kernel, debian{}); !ok {
			t.Errorf("%s has no kernel", tg.name)
		}
	}
}
