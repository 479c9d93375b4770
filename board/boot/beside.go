package boot

import (
	"log/slog"
	"runtime/debug"
)

// survive runs something and lets no panic of its goroutine through.
func survive(log *slog.Logger, name string, run func()) {
	defer func() {
		if p := recover(); p != nil {
			log.Error("stopped by a panic; it begins anew", "what", name, "panic", p, "at", shorten(string(debug.Stack())))
		}
	}()
	run()
}
