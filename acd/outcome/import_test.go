package outcome_test

import (
	"encoding/csv"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"

	"centralino/acd/outcome"
	"centralino/internal/numbering"
)

// TestEveryOctetOfWindows1252 compares the characters with a library's.
func TestEveryOctetOfWindows1252(t *testing.T) {
	for c := 0x80; c <= 0xff; c++ {
		file := []byte{'n', ';', 't', '\n', 'x', byte(c), 'y', ';', '1', '\n'}
		want, err := charmap.Windows1252.NewDecoder().Bytes(file[4:7])
		if err != nil {
			t.Fatal(err)
		}
		tab, err := outcome.ReadTable(file)
		if err != nil || tab.Encoding != "Windows-1252" || len(tab.Rows) != 1 || tab.Rows[0].Cells[0] != string(want) {
			t.Errorf("%#x: %+v, %v, want %q", c, tab, err, want)
		}
	}
}

func TestFilesAreUnderstood(t *testing.T) {
	latin := func(s string) []byte {
		b, err := charmap.Windows1252.NewEncoder().Bytes([]byte(s))
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	wide, err := unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewEncoder().Bytes([]byte("Nome;Tel\nPerù;1\n"))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name      string
		file      []byte
		encoding  string
		delimiter rune
		header    string
		rows      string // "line:cell|cell ..."
	}{
		{"semicolons and Windows-1252, as an Italian spreadsheet writes", latin("Nome;Città;Telefono\r\nMario Perù;Forlì – €;021234567\r\n"), "Windows-1252", ';', "Nome|Città|Telefono", "2:Mario Perù|Forlì – €|021234567"},
		{"UTF-8 with a mark in front", []byte("\xef\xbb\xbfname,phone\nAnna,+39021234567\n"), "UTF-8", ',', "name|phone", "2:Anna|+39021234567"},
		{"UTF-16", wide, "UTF-16", ';', "Nome|Tel", "2:Perù|1"},
		{"tabs", []byte("a\tb\n1\t2\n"), "UTF-8", '\t', "a|b", "2:1|2"},
		{"the delimiter named", []byte("sep=,\na;b,c\n1,2\n"), "UTF-8", ',', "a;b|c", "3:1|2"},
		{"quotes, delimiters and lines within", []byte("name;note\n\"Rossi; Mario\";\"says \"\"hi\"\"\nand goes\"\nAnna;x\n"), "UTF-8", ';', "name|note", "2:Rossi; Mario|says \"hi\"\nand goes 4:Anna|x"},
		{"no header", []byte("Mario;021234567\nAnna;026543210\n"), "UTF-8", ';', "", "1:Mario|021234567 2:Anna|026543210"},
		{"empty lines", []byte("n;t\n\n\na;1\n\n"), "UTF-8", ';', "n|t", "4:a|1"},
		{"a quote that is never closed", []byte("n;t\n\"Mario;1\nAnna;2\n"), "UTF-8", ';', "n|t", "2!Mario|1 3:Anna|2"},
		{"commas within semicolons", []byte("n;a\nRossi, Mario;Via Po, 1\nBianchi, Anna;Via Arno, 2\n"), "UTF-8", ';', "n|a", "2:Rossi, Mario|Via Po, 1 3:Bianchi, Anna|Via Arno, 2"},
		{"one column", []byte("telefono\n021234567\n"), "UTF-8", ';', "telefono", "2:021234567"},
		{"the tab named, as Windows ends lines", []byte("sep=\t\r\na;b\tc\r\n1\t2\r\n"), "UTF-8", '\t', "a;b|c", "3:1|2"},
		{"no line end at the end", []byte("n;t\na;\"b\""), "UTF-8", ';', "n|t", "2:a|b"},
	} {
		tab, err := outcome.ReadTable(c.file)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		var rows []string
		for _, r := range tab.Rows {
			sign := ":"
			if r.Torn {
				sign = "!"
			}
			rows = append(rows, fmt.Sprint(r.Line)+sign+strings.Join(r.Cells, "|"))
		}
		if tab.Encoding != c.encoding || tab.Delimiter != c.delimiter || strings.Join(tab.Header, "|") != c.header || strings.Join(rows, " ") != c.rows {
			t.Errorf("%s: %s %q %q %q", c.name, tab.Encoding, tab.Delimiter, tab.Header, rows)
		}
	}
	for name, file := range map[string][]byte{"nothing": nil, "blank lines": []byte("\n\n"), "a picture": []byte("\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"), "too many columns": []byte(strings.Repeat("a;", 70) + "\n"), "too large": make([]byte, outcome.MaxFile+1)} {
		if _, err := outcome.ReadTable(file); err == nil {
			t.Errorf("%s is a table", name)
		}
	}
}

// TestQuotesWithinQuotes: a cell of nothing but quotes, as large as a file may be, is
// read in one go over it.
func TestQuotesWithinQuotes(t *testing.T) {
	tab, err := outcome.ReadTable([]byte("n;t\n\"" + strings.Repeat(`""`, outcome.MaxFile/2-10) + "\";x\n"))
	if err != nil || len(tab.Rows) != 1 || tab.Rows[0].Torn || !strings.HasPrefix(tab.Rows[0].Cells[0], `""""`) || tab.Rows[0].Cells[1] != "x" {
		t.Errorf("%v", err)
	}
}

func table(t testing.TB, text string) *outcome.Table {
	t.Helper()
	tab, err := outcome.ReadTable([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return tab
}

func TestColumnsAreGuessed(t *testing.T) {
	plan, err := numbering.New("IT", "02")
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{
		"Nome;Cognome;Cellulare;E-mail\nA;B;3331234567;a@b.it\n":           "first last number field",
		"Ragione sociale;Telefono 1;Telefono 2;Note\nA;021234567;;x\n":     "company number number note",
		"Full name,Phone number,Company,City\nA,+39021234567,B,C\n":        "name number company field",
		"Mario Rossi;021234567\nAnna;026543210\n":                          "name number",
		"Nome;Nome;Contatto\nA;B;333 1234567\n":                            "name field number",
		"Cliente;Recapito telefonico;Data\nA;0212345678;2026-01-01\n":      "name number field",
		"id;nominativo;numero di telefono\n1;Mario;0212345678\n":           "field name number",
		"x;y\n0212345678;Mario\n3331234567;Anna\n3331234568;Bruno Rossi\n": "number field",
	} {
		tab := table(t, text)
		var got []string
		for _, c := range outcome.Guess(tab, plan) {
			got = append(got, string(c))
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%q: %v, want %s", text, got, want)
		}
	}
}

func TestWhatAnImportWouldDo(t *testing.T) {
	bubble(t, func(t *testing.T, r *room) {
		there := r.save(outcome.Customer{Name: "Mario Rossi"}, mario)
		other := r.save(outcome.Customer{Name: "Altra"}, "+390698765432")
		_ = other
		tab := table(t, "Nome;Tel;Tel 2;Città\n"+
			"Anna Bianchi;333 1234567;;Roma\n"+ // 2: new
			"Bianchi A.;+39 333 123 4567;06/5551234 / 555;Milano\n"+ // 3: the same as line 2; two numbers, of which one is none
			"Rossi Mario;02-1234 5678;;Lodi\n"+ // 4: the card that is there
			"Nessuno;;;Roma\n"+ // 5: no number
			"Sbagliato;12345;;Roma\n"+ // 6: no number of the plan
			";0212345679;;Roma\n"+ // 7: nobody
			"Due;0212345678;0698765432;Roma\n"+ // 8: two cards
			"Breve;112;;Roma\n"+ // 9: no number to be found by
			"Largo;0212345670;;Roma;troppo\n"+ // 10: shifts the table's width; its own cell has no title
			"Estero;0044 20 7946 0000;;London\n"+ // 11
			"Numero 39;393331112223;;Roma\n"+ // 12
			"Excel;3.93331E+11;;Roma\n"+ // 13
			"\"Aperto;0212345671;;Roma\n") // 14: torn
		m := outcome.Guess(tab, r.plan)
		p, err := r.Plan(ctx, tab, m, r.plan)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, x := range p.Rejected {
			s := fmt.Sprintf("%d %s", x.Line, strings.TrimPrefix(x.Code, "import.reject."))
			if x.Kept {
				s += " kept"
			}
			got = append(got, s)
		}
		want := []string{"3 badNumber kept", "5 noNumber", "6 badNumber", "7 nobody", "8 twoCards", "9 badNumber", "13 badNumber", "14 quotes"}
		if d := cmp.Diff(want, got); d != "" {
			t.Error(d)
		}
		if p.New != 4 || p.Merged != 1 || p.Doubles != 1 {
			t.Errorf("new %d, merged %d, doubles %d", p.New, p.Merged, p.Doubles)
		}
		if _, ok := r.gate.Name(boss, "callDetail", r.gate.Pseudonym(mobile)); ok {
			t.Error("planning kept a number")
		}
		if n, _ := r.Count(ctx); n != 2 {
			t.Errorf("planning made %d cards", n)
		}
		from := outcome.ImportSource{Source: "Fiera 2026", Date: "2026-05-01"}
		for _, bad := range []outcome.ImportSource{{}, {Source: "x"}, {Source: " ", Date: "2026-05-01"}, {Source: "x", Date: "2999-01-01"}, {Source: "x", Date: "yesterday"}, {Source: strings.Repeat("x", 300), Date: "2026-05-01"}} {
			if _, _, err := r.Import(ctx, "p-boss", tab, m, r.plan, bad); err == nil {
				t.Errorf("imported from %+v", bad)
			}
		}
		// The bubble's clock stands in the year 2000.
		from.Date = "1999-12-01"
		imp, p, err := r.Import(ctx, "p-boss", tab, m, r.plan, from)
		if err != nil || imp.Created != 4 || imp.Merged != 1 || imp.Rejected != 7 || p.New != 4 {
			t.Fatalf("import: %+v %v", imp, err)
		}
		c, err := r.ByID(ctx, there)
		if err != nil || c.Name != "Mario Rossi" || c.Fields["Città"] != "Lodi" || len(c.Origins) != 2 || c.Origins[1].Source != "Fiera 2026" {
			t.Errorf("the card that was there: %+v %v", c, err)
		}
		a, ok, err := r.ByNumber(ctx, r.gate.Pseudonym(mobile))
		if err != nil || !ok || a.Name != "Anna Bianchi" || a.Fields["Città"] != "Roma" {
			t.Errorf("the new card: %+v %v", a, err)
		}
		if n, ok := r.gate.Name(boss, "callDetail", a.Numbers[0]); !ok || n != string(mobile) {
			t.Errorf("its number: %q", n)
		}
		if list, err := r.Imports(ctx); err != nil || len(list) != 1 || list[0] != imp {
			t.Errorf("imports: %+v %v", list, err)
		}
		if said := r.said(); said[len(said)-1] != "imported by p-boss" {
			t.Errorf("said %v", said)
		}
		again, err := r.Plan(ctx, tab, m, r.plan)
		if err != nil || again.New != 0 || again.Merged != 5 {
			t.Errorf("again: %+v %v", again, err)
		}
	})
}

// TestTheSameFileTwice adds nothing the second time.
func TestTheSameFileTwice(t *testing.T) {
	bubble(t, func(t *testing.T, r *room) {
		tab := table(t, "Nome;Tel;Note\nMario;0212345678;likes coffee\n")
		m := outcome.Guess(tab, r.plan)
		for range 2 {
			if _, _, err := r.Import(ctx, "p-boss", tab, m, r.plan, outcome.ImportSource{Source: "list", Date: "1999-12-01"}); err != nil {
				t.Fatal(err)
			}
			r.later(time.Hour)
		}
		c, _, err := r.ByNumber(ctx, r.gate.Number(mario))
		if err != nil {
			t.Fatal(err)
		}
		if c, err = r.ByID(ctx, c.ID); err != nil || len(c.Notes) != 1 || len(c.Numbers) != 1 || len(c.Origins) != 2 {
			t.Errorf("%+v %v", c, err)
		}
	})
}

// TestACardIsFull: numbers that it has count once, and what it can't take is told.
func TestACardIsFull(t *testing.T) {
	bubble(t, func(t *testing.T, r *room) {
		var numbers []numbering.E164
		for i := range 19 {
			numbers = append(numbers, numbering.E164(fmt.Sprintf("+39021234%04d", i)))
		}
		id := r.save(outcome.Customer{Name: "Mario"}, numbers...)
		tab := table(t, "Nome;Tel;Tel 2;Tel 3\nMario;02 1234 0000;02 1234 0001;02 1234 9999\nMario;02 1234 0000;02 1234 8888;\n")
		_, p, err := r.Import(ctx, "p-boss", tab, outcome.Guess(tab, r.plan), r.plan, outcome.ImportSource{Source: "list", Date: "1999-12-01"})
		if err != nil {
			t.Fatal(err)
		}
		if c, err := r.ByID(ctx, id); err != nil || len(c.Numbers) != 20 || c.Numbers[19] != r.gate.Number("+390212349999") {
			t.Errorf("%d numbers: %v", len(c.Numbers), err)
		}
		want := []outcome.Rejected{{Line: 3, Code: outcome.RejectMany, Args: map[string]string{"max": "20"}, Kept: true}}
		if d := cmp.Diff(want, p.Rejected); d != "" {
			t.Error(d)
		}
	})
}

func rows(n int) string {
	var b strings.Builder
	b.WriteString("Nome;Cognome;Telefono;Cellulare;Città;Note\n")
	for i := range n {
		fmt.Fprintf(&b, "Nome%d;Cognome %d;02 5%06d;+39 34%08d;Milano;nota %d\n", i, i, i, i, i)
	}
	return b.String()
}

// TestTenThousandRows come in whole, and the numbers go behind the gate.
func TestTenThousandRows(t *testing.T) {
	r := openRoom(t, t.TempDir())
	defer r.close()
	const n = 10000
	tab := table(t, rows(n))
	begin := time.Now()
	imp, _, err := r.Import(ctx, "p-boss", tab, outcome.Guess(tab, r.plan), r.plan, outcome.ImportSource{Source: "list", Date: "2026-01-01"})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d rows in %v", n, time.Since(begin).Round(time.Millisecond))
	if imp.Created != n || imp.Rejected != 0 {
		t.Errorf("%+v", imp)
	}
	if got, _ := r.Count(ctx); got != n {
		t.Errorf("%d cards", got)
	}
	for _, i := range []int{0, 4711, n - 1} {
		c, ok, err := r.ByNumber(ctx, r.gate.Pseudonym(numbering.E164(fmt.Sprintf("+3934%08d", i))))
		if err != nil || !ok || c.Name != fmt.Sprintf("Nome%d Cognome %d", i, i) || len(c.Numbers) != 2 {
			t.Errorf("card %d: %+v %v", i, c, err)
		}
	}
	if found, _, err := r.Search(ctx, outcome.Query{Text: "cognome 4711"}); err != nil || len(found) != 1 {
		t.Errorf("search: %d %v", len(found), err)
	}
	if r.log.Stalled() {
		t.Error("the journal waited for the import")
	}
}

// TestNothingIsHalfImported: the disk refuses at every step in turn.
func TestNothingIsHalfImported(t *testing.T) {
	r := openRoom(t, t.TempDir())
	defer r.close()
	tab := table(t, rows(1100))
	m := outcome.Guess(tab, r.plan)
	for after := range 5 { // clearing away, three chunks, then the change itself
		r.fail, r.after = "commit", after
		_, _, err := r.Import(ctx, "p-boss", tab, m, r.plan, outcome.ImportSource{Source: "list", Date: "2026-01-01"})
		r.fail = ""
		if err == nil {
			t.Fatalf("refusal %d was not told", after)
		}
		// The box starts anew: what is left goes.
		if _, err := outcome.Open(ctx, outcome.Options{DB: r.db, Journal: r.log, Gate: r.gate, Office: r.Snap, Now: time.Now}); err != nil {
			t.Fatal(err)
		}
		all := r.everything()
		if n, _ := r.Count(ctx); n != 0 || strings.Contains(all, "Nome1") || strings.Contains(all, "n-") {
			t.Errorf("after refusal %d something is left: %d cards", after, n)
		}
	}
	if _, _, err := r.Import(ctx, "p-boss", tab, m, r.plan, outcome.ImportSource{Source: "list", Date: "2026-01-01"}); err != nil {
		t.Errorf("then it works: %v", err)
	}
	if n, _ := r.Count(ctx); n != 1100 {
		t.Errorf("%d cards", n)
	}
}

// A box whose disk is full starts all the same; what an import left behind then goes
// with the next one and does not come into force by it.
func TestAFullDiskKeepsNobodyFromStarting(t *testing.T) {
	r := openRoom(t, t.TempDir())
	defer r.close()
	source := outcome.ImportSource{Source: "list", Date: "2026-01-01"}
	torn := table(t, rows(1100))
	r.fail, r.after = "commit", 2 // the second chunk, and the clearing away
	if _, _, err := r.Import(ctx, "p-boss", torn, outcome.Guess(torn, r.plan), r.plan, source); err == nil {
		t.Fatal("the refusal was not told")
	}
	r.fail, r.after, r.full = "begin", 0, true
	b, err := outcome.Open(ctx, outcome.Options{DB: r.db, Journal: r.log, Gate: r.gate, Office: r.Snap, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	r.fail = ""
	small := table(t, rows(3))
	if _, _, err := b.Import(ctx, "p-boss", small, outcome.Guess(small, r.plan), r.plan, source); err != nil {
		t.Fatal(err)
	}
	if n, _ := b.Count(ctx); n != 3 {
		t.Errorf("%d cards, 3 imported", n)
	}
}

func TestAMappingMustFit(t *testing.T) {
	tab := table(t, "a;b\nx;0212345678\n")
	for _, m := range []outcome.Mapping{nil, {outcome.ColName}, {outcome.ColName, outcome.ColName}, {outcome.ColName, outcome.ColSkip}, {"evil", outcome.ColNumber}} {
		if m.Check(tab) {
			t.Errorf("%v fits", m)
		}
	}
	if !(outcome.Mapping{outcome.ColName, outcome.ColNumber}).Check(tab) {
		t.Error("a good mapping does not fit")
	}
}

// FuzzTable: no file stops the box, no line is lost, and what a strict reader of
// RFC 4180 understands is understood the same.
func FuzzTable(f *testing.F) {
	f.Add([]byte("Nome;Tel\nMario;0212345678\n"))
	f.Add([]byte("\"a\"\"b\";c\r\n\"open;x\ny;z\n"))
	f.Add([]byte("sep=,\na,b\n1,2"))
	f.Add([]byte("\xff\xfea\x00;\x00"))
	f.Add([]byte("\xe0\xe8;1"))
	plan, err := numbering.New("IT", "02")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		tab, err := outcome.ReadTable(file)
		if err != nil {
			return
		}
		last := 0
		for _, r := range tab.Rows {
			if r.Line <= last || len(r.Cells) == 0 || len(r.Cells) > tab.Columns {
				t.Fatalf("row %+v after line %d", r, last)
			}
			last = r.Line
			for _, c := range r.Cells {
				if !utf8.ValidString(c) {
					t.Fatalf("cell %q is no text", c)
				}
			}
		}
		if m := outcome.Guess(tab, plan); len(m) != tab.Columns {
			t.Fatalf("%d columns, %d guesses", tab.Columns, len(m))
		}
		strict := csv.NewReader(strings.NewReader(string(file)))
		strict.FieldsPerRecord = -1
		if strict.Comma = tab.Delimiter; tab.Encoding != "UTF-8" || strings.HasPrefix(string(file), "sep=") || strings.ContainsRune(string(file), '\ufeff') || slices.ContainsFunc(tab.Rows, func(r outcome.Row) bool { return r.Torn }) {
			return
		}
		want, err := strict.ReadAll()
		if err != nil || strings.Contains(strings.ReplaceAll(string(file), "\r\n", ""), "\r") {
			return
		}
		var got [][]string
		if len(tab.Header) > 0 {
			got = append(got, tab.Header)
		}
		for _, r := range tab.Rows {
			got = append(got, r.Cells)
		}
		for i := range want {
			for j := range want[i] {
				if s := strings.Trim(want[i][j], " \t\r\n\u00a0\ufeff"); len(s) <= 4000 {
					want[i][j] = s
				} else {
					return
				}
			}
		}
		blank := func(r []string) bool { return len(r) == 1 && r[0] == "" }
		want = slices.DeleteFunc(want, blank)
		if d := cmp.Diff(want, got); d != "" {
			t.Fatal(d)
		}
	})
}

func BenchmarkImport(b *testing.B) {
	tab := table(b, rows(10000))
	for b.Loop() {
		b.StopTimer()
		r := openRoom(b, b.TempDir())
		m := outcome.Guess(tab, r.plan)
		b.StartTimer()
		if _, _, err := r.Import(ctx, "p-boss", tab, m, r.plan, outcome.ImportSource{Source: "list", Date: "2026-01-01"}); err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		r.close()
		b.StartTimer()
	}
}
