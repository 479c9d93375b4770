package media_test

import (
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"centralino/internal/audio"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
)

// reports returns the compound packets that came to the telephone's RTCP port.
func (p *phone) reports() (list [][]rtcp.Packet) {
	synctest.Wait()
	b := make([]byte, 2048)
	for {
		n, _, err := p.rtcp.Read(b)
		if err != nil {
			return list
		}
		packets, err := rtcp.Unmarshal(b[:n])
		if err != nil {
			p.w.t.Errorf("not RTCP: %v", err)
		}
		if err := rtcp.CompoundPacket(packets).Validate(); err != nil {
			p.w.t.Errorf("compound: %v", err)
		}
		list = append(list, packets)
	}
}

func TestReportsTellWhatWasSentAndHeard(t *testing.T) {
	bubble(t, [2]audio.Law{}, func(w *world, a, b *phone) {
		for i := range 1000 { // 20 s, one in ten lost
			if i%10 == 5 {
				a.seq++
				a.ts += 160
			} else {
				a.say(frame(i))
			}
			b.say(frame(i))
			if i%100 == 0 {
				a.heard()
				b.heard()
			}
			time.Sleep(20 * time.Millisecond)
		}
		list := a.reports()
		if len(list) < 2 || len(list) > 8 { // one every 2.5 to 7.5 s
			t.Fatalf("%d reports in 20 s", len(list))
		}
		last := list[len(list)-1]
		sr, ok := last[0].(*rtcp.SenderReport)
		if !ok || len(sr.Reports) != 1 {
			t.Fatalf("%v", last[0])
		}
		if sr.PacketCount < 600 || sr.OctetCount != sr.PacketCount*160 {
			t.Errorf("sender counts %d packets, %d octets", sr.PacketCount, sr.OctetCount)
		}
		r := sr.Reports[0]
		if r.SSRC != a.ssrc || r.FractionLost < 20 || r.FractionLost > 30 || r.TotalLost < 60 || r.TotalLost > 100 {
			t.Errorf("report %+v", r)
		}
		if got := uint16(r.LastSequenceNumber); a.seq-got > 600 {
			t.Errorf("highest sequence number %d, sent up to %d", got, a.seq)
		}
		st := a.stream.Stats()
		if st.Lost != 100 {
			t.Errorf("lost %d", st.Lost)
		}
		// A report of the peer, half a second after our last one.
		answer := rtcp.ReceiverReport{SSRC: a.ssrc, Reports: []rtcp.ReceptionReport{{
			SSRC: sr.SSRC, TotalLost: 17, Jitter: 80,
			LastSenderReport: uint32(sr.NTPTime >> 16), Delay: 0,
		}}}
		raw, _ := answer.Marshal()
		time.Sleep(500 * time.Millisecond)
		sent := time.Now()
		_ = a.rtcp.Write(raw, netip.AddrPortFrom(boxAddr, a.stream.Local().Port()+1))
		synctest.Wait()
		st = a.stream.Stats()
		if st.PeerLost != 17 || st.PeerJitter != 10*time.Millisecond || st.RTT <= 0 || st.RTT > 10*time.Second {
			t.Errorf("%+v at %v", st, sent)
		}
	})
}

func TestRTCPOfAStrangerIsDropped(t *testing.T) {
	bubble(t, [2]audio.Law{}, func(w *world, a, b *phone) {
		evil := w.stranger("203.0.113.9:4001")
		defer evil.Close()
		raw, _ := (&rtcp.ReceiverReport{SSRC: 1}).Marshal()
		_ = evil.Write(raw, netip.AddrPortFrom(boxAddr, a.stream.Local().Port()+1))
		synctest.Wait()
		if st := a.stream.Stats(); st.Foreign != 1 {
			t.Errorf("%+v", st)
		}
		if e := a.take(); len(e) != 0 {
			t.Errorf("events %v", e)
		}
		time.Sleep(time.Minute)
		if n := count(evil); n != 0 {
			t.Errorf("the stranger got %d packets", n)
		}
	})
}

func TestRTCPKeepsAStreamAlive(t *testing.T) {
	bubble(t, [2]audio.Law{}, func(w *world, a, b *phone) {
		raw, _ := (&rtcp.ReceiverReport{SSRC: a.ssrc}).Marshal()
		for range 30 {
			_ = a.rtcp.Write(raw, netip.AddrPortFrom(boxAddr, a.stream.Local().Port()+1))
			time.Sleep(5 * time.Second)
		}
		if e := a.take(); len(e) != 1 {
			t.Errorf("events %v", e)
		}
	})
}

func TestAGoodbyeEndsTheReports(t *testing.T) {
	bubble(t, [2]audio.Law{}, func(w *world, a, b *phone) {
		b.talk(b.sock, 3)
		a.stream.Close()
		list := a.reports()
		if len(list) != 1 {
			t.Fatalf("%d reports", len(list))
		}
		p := list[0]
		if bye, ok := p[len(p)-1].(*rtcp.Goodbye); !ok || len(bye.Sources) != 1 {
			t.Errorf("%v", p)
		}
	})
}

func TestJitterIsMeasured(t *testing.T) {
	bubble(t, [2]audio.Law{}, func(w *world, a, b *phone) {
		for i := range 400 { // every other packet 10 ms late
			a.raw(packet(rtp.Header{PayloadType: 8, SequenceNumber: uint16(i), Timestamp: uint32(i * 160), SSRC: 3}, frame(i)))
			if i%2 == 0 {
				time.Sleep(30 * time.Millisecond)
			} else {
				time.Sleep(10 * time.Millisecond)
			}
			b.heard()
		}
		if j := a.stream.Stats().Jitter; j < 9*time.Millisecond || j > 11*time.Millisecond {
			t.Errorf("jitter %v, want about 10 ms", j)
		}
	})
}
