package update

import (
	"os"

	"golang.org/x/sys/unix"
)

// forget drops what the system keeps of a file in memory, so that it is read from the
// medium again.
func forget(f *os.File) error { return unix.Fadvise(int(f.Fd()), 0, 0, unix.FADV_DONTNEED) }
