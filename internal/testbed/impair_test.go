package testbed_test

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"centralino/internal/testbed"

	"github.com/google/go-cmp/cmp"
)

func TestDice(t *testing.T) {
	const packets = 20000
	tests := []struct {
		name string
		i    testbed.Impairment
		ok   func(lost, bursts, twice, late int) bool
	}{
		{"nothing set, nothing happens", testbed.Impairment{Seed: 1},
			func(lost, bursts, twice, late int) bool { return lost+twice+late == 0 }},
		{"5 % loss, single", testbed.Impairment{Seed: 2, Loss: 0.05},
			func(lost, bursts, _, _ int) bool { return near(lost, 1000) && float64(lost)/float64(bursts) < 1.2 }},
		{"5 % loss in bursts of 4", testbed.Impairment{Seed: 3, Loss: 0.05, Burst: 4},
			func(lost, bursts, _, _ int) bool {
				return near(lost, 1000) && near(100*lost/bursts, 400)
			}},
		{"2 % twice, 3 % late", testbed.Impairment{Seed: 4, Duplicate: 0.02, Reorder: 0.03},
			func(lost, _, twice, late int) bool { return lost == 0 && near(twice, 400) && near(late, 600) }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d, again := testbed.NewDice(tt.i), testbed.NewDice(tt.i)
			var lost, bursts, twice, late int
			before := false
			for range packets {
				f := d.Next()
				if diff := cmp.Diff(f, again.Next()); diff != "" {
					t.Fatalf("the same seed gave another fate: %s", diff)
				}
				switch {
				case len(f.After) == 0:
					lost++
					if !before {
						bursts++
					}
				case len(f.After) == 2:
					twice++
				}
				if len(f.After) > 0 && f.After[0] >= 30*time.Millisecond {
					late++
				}
				before = len(f.After) == 0
			}
			if !tt.ok(lost, bursts, twice, late) {
				t.Errorf("of %d: %d lost in %d bursts, %d twice, %d late", packets, lost, bursts, twice, late)
			}
		})
	}
}

// near allows 15 % and is for seeded counts, which do not vary.
func near(got, want int) bool { return got > want*85/100 && got < want*115/100 }

func TestRelayPassesBothWaysAndLoses(t *testing.T) {
	t.Parallel()
	loop := netip.MustParseAddrPort("127.0.0.1:0")
	var here *testbed.Namespace
	server, err := here.ListenUDP(loop)
	check(t, err)
	defer server.Close()
	go func() { // echoes until closed
		buf := make([]byte, 100)
		for {
			n, from, err := server.ReadFromUDPAddrPort(buf)
			if err != nil {
				return
			}
			_, _ = server.WriteToUDPAddrPort(buf[:n], from)
		}
	}()
	target := netip.MustParseAddrPort(server.LocalAddr().String())
	relay := testbed.StartRelay(t, nil, loop, target,
		testbed.Impairment{Seed: 5, Loss: 0.5, Delay: 5 * time.Millisecond}, testbed.Impairment{Seed: 6, Duplicate: 1})
	client, err := here.ListenUDP(loop)
	check(t, err)
	defer client.Close()
	dice := testbed.NewDice(testbed.Impairment{Seed: 5, Loss: 0.5})
	want := map[string]int{}
	for i := range 40 {
		msg := fmt.Sprint("packet ", i)
		if len(dice.Next().After) == 1 {
			want[msg] = 2
		}
		_, err := client.WriteToUDPAddrPort([]byte(msg), relay.Addr)
		check(t, err)
	}
	got := map[string]int{}
	buf := make([]byte, 100)
	_ = client.SetReadDeadline(time.Now().Add(5 * time.Second))
	for n := 0; n < 2*len(want); n++ {
		k, from, err := client.ReadFromUDPAddrPort(buf)
		check(t, err)
		if from != relay.Addr {
			t.Fatalf("answer from %s, want the relay %s", from, relay.Addr)
		}
		got[string(buf[:k])]++
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("what came back (-want +got):\n%s", diff)
	}
}
