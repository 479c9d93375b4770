package gpio

import (
	"slices"
	"time"
)

// chipsEvery is how often Await looks.
const chipsEvery = 20 * time.Millisecond

// Await waits for the GPIO chips of these labels, for limit at most, and reports whether
// all are there. On a Raspberry Pi 5 the chip behind the header is on PCI Express and comes
// later than the first process; Open finds only what is there when it is called first.
func Await(labels []string, limit time.Duration) bool { return await(chips, labels, limit) }

func await(chips func() []string, labels []string, limit time.Duration) bool {
	for end := time.Now().Add(limit); ; time.Sleep(chipsEvery) {
		there := chips()
		if !slices.ContainsFunc(labels, func(l string) bool { return !slices.Contains(there, l) }) {
			return true
		}
		if !time.Now().Before(end) {
			return false
		}
	}
}

// Labels are those of the chips that pins are named by; a pin with a name of its own is on
// any chip.
func Labels(pins ...Pin) (labels []string) {
	for _, p := range pins {
		if label, _, ok := onChip(p.Name); ok && !slices.Contains(labels, label) {
			labels = append(labels, label)
		}
	}
	return labels
}
