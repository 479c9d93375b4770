package gpio

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

func TestAwait(t *testing.T) {
	for _, c := range []struct {
		name   string
		labels []string
		comes  time.Duration // when pinctrl-rp1 is there; the other is from the beginning
		there  bool
		took   time.Duration
	}{
		{"what is wanted is there", []string{"gio"}, time.Hour, true, 0},
		{"nothing is wanted", nil, time.Hour, true, 0},
		{"it comes a little later", []string{"pinctrl-rp1", "gio"}, 300 * time.Millisecond, true, 300 * time.Millisecond},
		{"it never comes", []string{"pinctrl-rp1"}, time.Hour, false, 3 * time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				there := await(func() []string {
					if time.Since(began) < c.comes {
						return []string{"gio"}
					}
					return []string{"gio", "pinctrl-rp1"}
				}, c.labels, 3*time.Second)
				if took := time.Since(began); there != c.there || took != c.took {
					t.Errorf("%v after %v", there, took)
				}
			})
		})
	}
}

func TestLabels(t *testing.T) {
	got := Labels(Pin{"pinctrl-rp1/17", High}, Pin{"pinctrl-rp1/23", Low}, Pin{"GPIO17", High}, Pin{"9030000.pl061/4", High}, Pin{})
	if !slices.Equal(got, []string{"pinctrl-rp1", "9030000.pl061"}) {
		t.Error(got)
	}
}
