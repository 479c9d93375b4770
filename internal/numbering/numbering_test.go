package numbering_test

import (
	"errors"
	"testing"

	"centralino/internal/numbering"
)

func milan(t testing.TB) numbering.Plan {
	t.Helper()
	p, err := numbering.New("IT", "02")
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestParse(t *testing.T) {
	p := milan(t)
	for _, c := range []struct {
		name, dialled, want string
		class               numbering.Class
	}{
		{"a number of the own town keeps its 0", "0212345678", "+390212345678", numbering.National},
		{"spaces, dots, dashes and brackets carry no meaning", "(02) 1234-56.78", "+390212345678", numbering.National},
		{"a short old number in Rome", "066982", "+39066982", numbering.National},
		{"a four-digit area code", "0549882345", "+390549882345", numbering.National},
		{"a mobile", "3331234567", "+393331234567", numbering.Mobile},
		{"an old mobile with nine digits", "335123456", "+39335123456", numbering.Mobile},
		{"a number of the own country with +39", "+390612345678", "+390612345678", numbering.National},
		{"a number of the own country with 0039", "00393331234567", "+393331234567", numbering.Mobile},
		{"freephone", "800123456", "+39800123456", numbering.Freephone},
		{"short freephone", "803116", "803116", numbering.Freephone},
		{"shared cost 840", "840123456", "+39840123456", numbering.Shared},
		{"shared cost 848", "848800813", "+39848800813", numbering.Shared},
		{"shared cost 199", "199123456", "+39199123456", numbering.Shared},
		{"personal number 178", "1782345678", "+391782345678", numbering.Shared},
		{"premium 899", "899123456", "+39899123456", numbering.Premium},
		{"premium 892 with six digits", "892424", "892424", numbering.Premium},
		{"premium 895 with ten digits", "8951234567", "+398951234567", numbering.Premium},
		{"televoting hides behind an area code", "0878123456", "+390878123456", numbering.Premium},
		{"closed premium range 166", "166123456", "+39166123456", numbering.Premium},
		{"directory assistance", "1254", "1254", numbering.Premium},
		{"solidarity and message numbers", "45501", "45501", numbering.Premium},
		{"customer care", "187", "187", numbering.Service},
		{"public utility", "1530", "1530", numbering.Service},
		{"harmonised social service", "116117", "116117", numbering.Service},
		{"nomadic", "5512345678", "+395512345678", numbering.National},
		{"abroad with 00", "00442079460000", "+442079460000", numbering.International},
		{"abroad with +", "+41446681800", "+41446681800", numbering.International},
		{"San Marino by its country code is abroad", "+378054988", "+378054988", numbering.International},
		{"satellite", "00881612345678", "+881612345678", numbering.Premium},
		{"international premium rate", "+979123456789", "+979123456789", numbering.Premium},
		{"emergency", "112", "112", numbering.Emergency},
		{"a Turin number that holds 112", "0111121181", "+390111121181", numbering.National},
		{"117 within a mobile", "3301171171", "+393301171171", numbering.Mobile},
	} {
		t.Run(c.name, func(t *testing.T) {
			n, err := p.Parse(c.dialled)
			if err != nil || n.String() != c.want || n.Class != c.class {
				t.Errorf("Parse(%q) = %q %q, %v; want %q %q", c.dialled, n, n.Class, err, c.want, c.class)
			}
			if (n.E164 == "") == (n.Short == "") {
				t.Errorf("Parse(%q): not exactly one of E164 %q and Short %q", c.dialled, n.E164, n.Short)
			}
		})
	}
}

func TestParseRefuses(t *testing.T) {
	p := milan(t)
	for _, c := range []struct {
		name, dialled string
		want          error
	}{
		{"nothing", "", numbering.ErrEmpty},
		{"only separators", " - ", numbering.ErrEmpty},
		{"only a plus", "+", numbering.ErrEmpty},
		{"letters", "02ABCDEFG", numbering.ErrNotDigits},
		{"stars", "*67#021234567", numbering.ErrNotDigits},
		{"a plus in the middle", "02+12345678", numbering.ErrNotDigits},
		{"digits of another script", "٠٢١٢٣٤٥٦٧٨", numbering.ErrNotDigits},
		{"carrier selection", "10550212345678", numbering.ErrCarrierPrefix},
		{"carrier selection alone", "1055", numbering.ErrCarrierPrefix},
		{"geographic, too short", "0212", numbering.ErrLength},
		{"geographic, too long", "021234567890", numbering.ErrLength},
		{"mobile, too long", "33312345678901", numbering.ErrLength},
		{"unused decade", "999", numbering.ErrNotInPlan},
		{"no country begins with 0", "+0212345678", numbering.ErrNotInPlan},
		{"short numbers do not exist with a country code", "+39187", numbering.ErrNotInPlan},
		{"112 with a country code is not 112", "+39112", numbering.ErrNotInPlan},
		{"abroad, too short", "0044", numbering.ErrLength},
		{"abroad, longer than E.164 allows", "+4412345678901234", numbering.ErrLength},
	} {
		t.Run(c.name, func(t *testing.T) {
			if n, err := p.Parse(c.dialled); !errors.Is(err, c.want) {
				t.Errorf("Parse(%q) = %q, %v; want %v", c.dialled, n, err, c.want)
			}
		})
	}
	_, err := p.Parse("66712345")
	var area *numbering.MissingArea
	if !errors.As(err, &area) || area.With != "0266712345" {
		t.Errorf("subscriber number alone: %v, want MissingArea with 0266712345", err)
	}
}

func TestUnknownCountry(t *testing.T) {
	p, err := numbering.New("ZZ", "")
	if !errors.Is(err, numbering.ErrCountry) {
		t.Errorf("error %v, want ErrCountry", err)
	}
	if !p.IsEmergency("112") {
		t.Error("112 is not known")
	}
	if n, err := p.Parse("+390212345678"); err != nil || n.Class != numbering.International {
		t.Errorf("abroad: %v %v", n, err)
	}
	if _, err := p.Parse("0212345678"); !errors.Is(err, numbering.ErrNotInPlan) {
		t.Errorf("national number without a plan: %v", err)
	}
}

func TestCaller(t *testing.T) {
	p := milan(t)
	for _, c := range []struct {
		name, raw string
		want      numbering.Caller
	}{
		{"national format of a telephone line", "0612345678", numbering.Caller{Number: "+390612345678", Presentation: numbering.Presented}},
		{"mobile in national format", "3331234567", numbering.Caller{Number: "+393331234567", Presentation: numbering.Presented}},
		{"with a plus", "+390612345678", numbering.Caller{Number: "+390612345678", Presentation: numbering.Presented}},
		{"with 0039", "00390612345678", numbering.Caller{Number: "+390612345678", Presentation: numbering.Presented}},
		{"with 39 and no plus, geographic", "390612345678", numbering.Caller{Number: "+390612345678", Presentation: numbering.Presented}},
		{"with 39 and no plus, mobile", "393331234567", numbering.Caller{Number: "+393331234567", Presentation: numbering.Presented}},
		{"a mobile of the 39x range is no country code", "3931234567", numbering.Caller{Number: "+393931234567", Presentation: numbering.Presented}},
		{"from abroad", "004930123456", numbering.Caller{Number: "+4930123456", Presentation: numbering.Presented}},
		{"customer care calls", "187", numbering.Caller{Short: "187", Presentation: numbering.Presented}},
		{"the emergency service calls back", "112", numbering.Caller{Short: "112", Presentation: numbering.Presented}},
		{"withheld, as a modem says it", "P", numbering.Caller{Presentation: numbering.Restricted}},
		{"withheld, as SIP says it", "Anonymous", numbering.Caller{Presentation: numbering.Restricted}},
		{"out of area", "O", numbering.Caller{Presentation: numbering.Unavailable}},
		{"nothing", "", numbering.Caller{Presentation: numbering.Unavailable}},
		{"hostile text", "'; DROP TABLE calls; --", numbering.Caller{Presentation: numbering.Unavailable}},
		{"far too many digits", "0612345678061234567806123456780612345678", numbering.Caller{Presentation: numbering.Unavailable}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := p.Caller(c.raw); got != c.want {
				t.Errorf("Caller(%q) = %+v, want %+v", c.raw, got, c.want)
			}
		})
	}
}

func TestOwn(t *testing.T) {
	p := milan(t)
	for _, c := range []struct{ name, raw string }{
		{"complete", "0212345678"},
		{"international", "+390212345678"},
		{"country code without plus", "390212345678"},
		{"without the leading 0", "212345678"},
		{"without the area code", "12345678"},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, e := range p.Own(c.raw) {
				if e == "+390212345678" {
					return
				}
			}
			t.Errorf("Own(%q) = %v, without +390212345678", c.raw, p.Own(c.raw))
		})
	}
	if got := p.Own("sip:x@y"); len(got) != 0 {
		t.Errorf("Own of text = %v", got)
	}
}

func TestDialAndDisplay(t *testing.T) {
	p := milan(t)
	for _, c := range []struct{ dialled, e164, zeros, national, display string }{
		{"0212345678", "+390212345678", "00390212345678", "0212345678", "02 1234 5678"},
		{"0117654321", "+390117654321", "00390117654321", "0117654321", "011 765 4321"},
		{"054912345", "+39054912345", "0039054912345", "054912345", "0549 123 45"},
		{"3331234567", "+393331234567", "00393331234567", "3331234567", "333 123 4567"},
		{"800123456", "+39800123456", "0039800123456", "800123456", "800 123 456"},
		{"00442079460000", "+442079460000", "00442079460000", "00442079460000", "+44 2079460000"},
		{"+15551234567", "+15551234567", "0015551234567", "0015551234567", "+1 5551234567"},
		{"+378054988", "+378054988", "00378054988", "00378054988", "+378 054988"},
		{"187", "187", "187", "187", ""},
		{"112", "112", "112", "112", ""},
	} {
		n, err := p.Parse(c.dialled)
		if err != nil {
			t.Errorf("Parse(%q): %v", c.dialled, err)
			continue
		}
		got := [4]string{p.Dial(n, numbering.FormE164), p.Dial(n, numbering.Form00), p.Dial(n, numbering.FormNational), p.Display(n.E164)}
		if want := [4]string{c.e164, c.zeros, c.national, c.display}; got != want {
			t.Errorf("%q is written %q, want %q", c.dialled, got, want)
		}
	}
	for _, odd := range []numbering.E164{"", "+", "+3", "+39", "+390", "+39033", "+44", "junk"} {
		_ = p.Display(odd) // must not panic
	}
}
