//go:build !linux

package main

import (
	"log/slog"

	"centralino/internal/journal"
	"centralino/internal/service"
	"centralino/ui"
)

// firstProcess does nothing: only Linux starts the image.
func firstProcess() {}

func onBoard() bool { return false }

// clock is nil: only on the image the box sets its clock.
func (b *box) clock() ui.Clock { return nil }

func (b *box) firstProcessParts() []service.Part { return nil }

func openCardCode(*slog.Logger) cardCode { return cardCode{} }

func repaired() journal.Repair { return "" }

func boardCommands() []subcommand { return nil }
