package serial

import (
	"errors"
	"fmt"
	"os"
	"sync"
)

// reserved is how many descriptors Reserve keeps: four lines that are plugged in
// again at the same moment need three each.
const reserved = 16

// lowFiles is a stock of low file descriptors, held by open files that are given
// up just before a port takes their place.
type lowFiles struct {
	mu    sync.Mutex
	files []*os.File
}

var low lowFiles

// Reserve takes a few file descriptors below 1024 for ports that are opened later,
// because go.bug.st/serial cannot read a port with a higher one (it uses select,
// and panics). Call it once early in main; later calls fill the stock up again as
// far as low descriptors are free.
func Reserve() error {
	low.mu.Lock()
	defer low.mu.Unlock()
	return low.fill()
}

func (l *lowFiles) fill() error {
	for len(l.files) < reserved {
		f, err := os.Open(os.DevNull)
		if err != nil {
			return fmt.Errorf("reserve file descriptors: %w", err)
		}
		if f.Fd() >= 1024 {
			return f.Close()
		}
		l.files = append(l.files, f)
	}
	return nil
}

// open runs f, which opens a port and fails with errHighDescriptor when a
// descriptor was too high; then it gives up descriptors of the stock, three or as
// many as are there, and tries again, since others may have taken them.
func (l *lowFiles) open(f func() error) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	err := f()
	for errors.Is(err, errHighDescriptor) && len(l.files) > 0 {
		for range min(3, len(l.files)) {
			last := len(l.files) - 1
			l.files[last].Close()
			l.files = l.files[:last]
		}
		err = f()
	}
	if err == nil {
		return l.fill()
	}
	return err
}
