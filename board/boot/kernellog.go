package boot

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strconv"
	"strings"
	"sync"
)

// kernelLogDevice is the kernel's log, read and written.
const kernelLogDevice = "/dev/kmsg"

// longestLine is less than what the kernel takes in one line; it refuses a longer one.
const longestLine = 960

// Name begins the first process's lines in the kernel's log.
const Name = "centralino"

// parseRecord reads a record of /dev/kmsg: "priority,number,time,flags;text", the
// priority with the facility in its upper bits.
func parseRecord(s string) (priority int, text string, ok bool) {
	head, text, ok := strings.Cut(s, ";")
	if !ok {
		return 0, "", false
	}
	first, _, _ := strings.Cut(head, ",")
	n, err := strconv.Atoi(first)
	if err != nil || n < 0 {
		return 0, "", false
	}
	text, _, _ = strings.Cut(text, "\n") // what follows are the device's properties
	return n & 7, text, true
}

// kernelLog is a handler that writes into the kernel's log: the first process has no
// other place that survives it.
type kernelLog struct {
	mu    *sync.Mutex
	w     io.Writer
	attrs string
}

func newKernelLog() *kernelLog {
	w, err := os.OpenFile(kernelLogDevice, os.O_WRONLY, 0)
	if err != nil {
		return &kernelLog{mu: &sync.Mutex{}, w: os.Stderr}
	}
	return &kernelLog{mu: &sync.Mutex{}, w: w}
}

func (k *kernelLog) Enabled(_ context.Context, l slog.Level) bool { return l >= slog.LevelInfo }

func (k *kernelLog) Handle(_ context.Context, r slog.Record) error {
	var b strings.Builder
	fmt.Fprintf(&b, "<%d>%s: %s%s", syslogPriority(r.Level), Name, r.Message, k.attrs)
	r.Attrs(func(a slog.Attr) bool {
		writeAttr(&b, a)
		return true
	})
	line := b.String()
	if len(line) > longestLine {
		line = strings.ToValidUTF8(line[:longestLine], "") + "…"
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	_, err := io.WriteString(k.w, line+"\n")
	return err
}

func (k *kernelLog) WithAttrs(attrs []slog.Attr) slog.Handler {
	var b strings.Builder
	b.WriteString(k.attrs)
	for _, a := range attrs {
		writeAttr(&b, a)
	}
	return &kernelLog{k.mu, k.w, b.String()}
}

// WithGroup leaves groups out: nobody uses them here.
func (k *kernelLog) WithGroup(string) slog.Handler { return k }

func writeAttr(b *strings.Builder, a slog.Attr) {
	v := a.Value.String()
	if strings.ContainsAny(v, " \"=\n") || v == "" {
		v = strconv.Quote(v)
	}
	fmt.Fprintf(b, " %s=%s", a.Key, v)
}

// syslogPriority is a level in syslog's words: 3 error, 4 warning, 6 information.
func syslogPriority(l slog.Level) int {
	switch {
	case l >= slog.LevelError:
		return 3
	case l >= slog.LevelWarn:
		return 4
	}
	return 6
}
