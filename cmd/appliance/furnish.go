package main

import (
	"context"
	"database/sql"
	"fmt"

	"centralino/internal/journal"
	"centralino/internal/office"
)

// furnish puts the sample office into an empty data folder, as version 1 with its
// names and secrets in one transaction.
func (b *box) furnish(ctx context.Context) error {
	if b.office.Current().Version > 1 || !b.opened.Fresh {
		return nil
	}
	var s office.SampleOffice
	switch b.opt.sample {
	case "none":
		return nil
	case "office":
		s = office.Sample(office.SampleOptions{AlwaysOpen: !b.opt.closed, Now: b.now()})
	case "perf":
		s = office.SamplePerf()
	default:
		return &exitError{exitUsage, "Use office, perf or none", fmt.Errorf("-sample %q is not known", b.opt.sample)}
	}
	var writes []func(tx *sql.Tx) error
	for id, name := range s.Names {
		writes = append(writes, b.people.StageName(id, name))
	}
	for ref, secret := range s.Secrets {
		writes = append(writes, b.secrets.StageAs(ref, secret))
	}
	_, err := b.office.Apply(ctx, office.Edit{Base: b.office.Current().Version, Doc: s.Doc, Note: "sample",
		With: func(tx *sql.Tx) error {
			for _, w := range writes {
				if err := w(tx); err != nil {
					return err
				}
			}
			return nil
		}})
	if err != nil {
		return fmt.Errorf("furnish the sample office: %w", err)
	}
	if b.opt.sample == "perf" {
		return b.logInQueues(ctx, s.Doc)
	}
	return nil
}

// logInQueues has every member of a queue logged in when the box starts: the
// measuring kit's agents do not dial feature codes. The ACD reads it back with the
// journal.
func (b *box) logInQueues(ctx context.Context, doc *office.Document) error {
	for i := range doc.Groups {
		g := &doc.Groups[i]
		if g.Mode != office.GroupQueue {
			continue
		}
		for _, p := range g.Members {
			b.journal.Append("", journal.AgentChanged{Agent: p, State: journal.AgentReady, Idle: b.now().UTC()})
		}
	}
	return b.journal.Flush(ctx)
}
