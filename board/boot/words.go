package boot

import (
	"encoding/binary"
	"io"
	"time"
)

// moveWord asks for the clock to be moved.
func moveWord(by time.Duration) []byte {
	return binary.BigEndian.AppendUint64([]byte{wordMove}, uint64(by))
}

// hear reads the serving program's words until there are no more. Words that it does not
// know it takes for a heartbeat.
func hear(r io.Reader, well func(), move func(by time.Duration)) {
	var b [9]byte
	for {
		if _, err := io.ReadFull(r, b[:1]); err != nil {
			return
		}
		if b[0] != wordMove {
			well()
			continue
		}
		if _, err := io.ReadFull(r, b[1:]); err != nil {
			return
		}
		move(time.Duration(binary.BigEndian.Uint64(b[1:])))
	}
}
