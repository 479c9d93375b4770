package ui

import (
	"cmp"
	"errors"
	"slices"
	"sync"

	"centralino/board/health"
	"centralino/internal/journal"
	"centralino/ui/api"
)

// Refusal is how often input of one kind was refused since the start.
type Refusal struct {
	Where string // "sip", "register", "page", "upload": the text refused.where.<Where>
	What  string // why; a text refused.<Where>.<What>, or an error code of the pages
	Count uint64
}

// refusedCount counts what the pages refuse. The zero value counts.
type refusedCount struct {
	mu sync.Mutex
	by map[[2]string]uint64 // bounded: codes and kinds are constants of the program
}

func (c *refusedCount) add(where, what string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.by == nil {
		c.by = map[[2]string]uint64{}
	}
	c.by[[2]string{where, what}]++
}

func (c *refusedCount) list() []Refusal {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := make([]Refusal, 0, len(c.by))
	for k, n := range c.by {
		out = append(out, Refusal{k[0], k[1], n})
	}
	return out
}

// refusedModel is the table of refused input of the whole box.
func (v *visit) refusedModel() []api.Refused {
	list := v.s.refused.list()
	if v.s.d.Refused != nil {
		list = append(list, v.s.d.Refused()...)
	}
	slices.SortFunc(list, func(a, b Refusal) int {
		return cmp.Or(cmp.Compare(a.Where, b.Where), cmp.Compare(a.What, b.What))
	})
	out := []api.Refused{}
	for _, r := range list {
		if r.Count == 0 {
			continue
		}
		word := "refused." + r.Where + "." + r.What
		if !v.p.Has(word) {
			word = "error." + r.What + ".text"
		}
		out = append(out, api.Refused{Where: r.Where, What: r.What, WhereWord: v.p.T("refused.where." + r.Where), Word: v.p.T(word), Count: r.Count})
	}
	return out
}

// ErrNoSuchFault is the answer of Deps.Acknowledge to a fault that nobody needs to
// acknowledge.
var ErrNoSuchFault = errors.New("ui: no fault that can be acknowledged")

// faultRead takes a fault off the list that tells of something over, because a
// person has read it.
func (v *visit) faultRead() error {
	kind := v.r.PathValue("kind")
	if v.s.d.Acknowledge == nil || !health.Over(health.Kind(kind)) {
		return errNotFound
	}
	switch err := v.s.d.Acknowledge(kind); {
	case errors.Is(err, ErrNoSuchFault):
		return errNotFound
	case err != nil:
		return err
	}
	v.s.d.Journal.Append("", journal.AccessEvent{What: "fault.read", Who: v.me.Person, Source: "page"})
	v.flash("flash.fault.read", "ok", 0)
	return v.goTo("/system")
}
