package ui

import (
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"centralino/board/update"
	"centralino/internal/journal"
	"centralino/ui/api"
	"centralino/ui/view"
)

// Updates is what the pages need of the updater.
type Updates interface {
	Status() update.Status
	// Accept takes a bundle; it is installed when no call is under way.
	Accept(ctx context.Context, r io.Reader) (update.Manifest, error)
	// Cancel calls off what has not yet been handed over; false if there is nothing.
	Cancel() bool
	// Sticks names the bundles that lie on a USB stick, and Stick opens one of them.
	Sticks() []string
	Stick(name string) (io.ReadCloser, error)
}

// updateModel is the state of the updates in the reader's language.
func (v *visit) updateModel() api.Update {
	st := v.s.d.Updates.Status()
	m := api.Update{Phase: v.updateState("phase", string(st.Phase), api.ToneWarn), Since: st.Since, Calls: st.Calls, Version: st.Version, Slots: []api.UpdateSlot{}}
	if st.Phase == update.Idle {
		m.Phase.Tone = api.ToneOK
	}
	if st.Total > 0 {
		m.Percent = int(100 * st.Done / st.Total)
	}
	if st.Problem != "" {
		s := v.updateState("refused", string(st.Problem), api.ToneBad)
		m.Problem = &s
	}
	for _, slot := range []update.Slot{update.SlotA, update.SlotB} {
		c := st.Slots[slot]
		s := api.UpdateSlot{Name: slot.String(), Version: c.Version}
		switch {
		case slot == st.Running:
			s.State = v.updateState("slot", "runs", api.ToneOK)
		case c.Whole:
			s.State = v.updateState("slot", "ready", api.ToneOff)
		default:
			s.State = v.updateState("slot", "empty", api.ToneOff)
		}
		m.Slots = append(m.Slots, s)
	}
	if l := st.Last; l != nil {
		tone := api.ToneBad
		if l.Outcome == update.Committed {
			tone = api.ToneOK
		}
		last := api.UpdateLast{Outcome: v.updateState("outcome", string(l.Outcome), tone), Version: l.Version, Lacking: []string{}, At: l.At}
		for _, check := range strings.Fields(l.Why) {
			if word := "update.check." + check; v.p.Has(word) {
				check = v.p.T(word)
			}
			last.Lacking = append(last.Lacking, check)
		}
		m.Last = &last
	}
	return m
}

func (v *visit) updateState(family, id string, tone api.Tone) api.State {
	return api.State{ID: id, Word: v.p.T("update." + family + "." + id), Tone: tone}
}

func (v *visit) apiUpdate() error {
	if v.s.d.Updates == nil {
		return errNotFound
	}
	return v.json(v.updateModel())
}

func (v *visit) updatePage() view.Update {
	st := v.s.d.Updates.Status()
	page := view.Update{Update: v.updateModel(), Running: v.s.d.About.Version, Sticks: v.s.d.Updates.Sticks(), MayManage: v.may("GET /system/backup")}
	if c := st.Slots[st.Running]; c.Version != "" {
		page.Running = c.Version
	}
	page.Busy = st.Phase != update.Idle
	page.MayStop = slices.Contains([]update.Phase{update.Waiting, update.BackingUp, update.Writing, update.Checking}, st.Phase)
	if page.Update.Problem != nil {
		page.Problem = page.Update.Problem.Word
	}
	return page
}

func (v *visit) updateForm() error { return v.showUpdate(http.StatusOK, "") }

// showUpdate shows the page with what was wrong with the request, if anything.
func (v *visit) showUpdate(status int, reason update.Reason) error {
	if v.s.d.Updates == nil {
		return errNotFound
	}
	page := v.updatePage()
	page.Frame = v.frame(v.p.T("update.title"))
	page.Live = "/live?page=update"
	if reason != "" {
		page.Problem = v.p.T("update.refused." + string(reason))
	}
	return v.show(status, "update", page)
}

// takeUpdate gives a bundle to the updater and writes down how it went. Reasons that
// are the box's, not the bundle's, are 409.
func (v *visit) takeUpdate(r io.Reader, source string) (status int, reason update.Reason, err error) {
	m, err := v.s.d.Updates.Accept(v.ctx(), r)
	if err == nil {
		v.s.d.Journal.Append("", journal.UpdateChanged{What: "accepted", Version: m.Version, By: v.me.Person, Source: source})
		return http.StatusOK, "", nil
	}
	var tooBig *http.MaxBytesError
	reason = update.ReasonOf(err)
	if errors.As(err, &tooBig) || reason == "" {
		return 0, "", err
	}
	_, _ = io.Copy(io.Discard, r) // a browser that may not send all shows a broken line in place of the answer
	v.s.refused.add("upload", "update")
	v.s.d.Log.Warn("update refused", "err", err)
	v.s.d.Journal.Append("", journal.UpdateChanged{What: "refused", Version: m.Version, Reason: string(reason), By: v.me.Person, Source: source})
	switch reason {
	case update.Busy, update.NotSound, update.NoSlots, update.NoKeys:
		return http.StatusConflict, reason, nil
	case update.NoSpace, update.BadDisk:
		return http.StatusInsufficientStorage, reason, nil
	}
	return http.StatusUnprocessableEntity, reason, nil
}

// uploadTime is how long a bundle may take to come in.
const uploadTime = 30 * time.Minute

func (v *visit) updateUpload() error {
	if v.s.d.Updates == nil {
		return errNotFound
	}
	v.allowLong()
	mr, err := v.r.MultipartReader()
	if err != nil {
		return errBad
	}
	for {
		p, err := mr.NextPart()
		if err != nil {
			return v.showUpdate(http.StatusUnprocessableEntity, update.NotABundle)
		}
		if p.FormName() != "file" || p.FileName() == "" {
			continue
		}
		return v.endUpdate(v.takeUpdate(p, "page"))
	}
}

// allowLong lets a bundle come in over a slow line.
func (v *visit) allowLong() {
	rc := http.NewResponseController(v.w)
	if err := errors.Join(rc.SetReadDeadline(time.Now().Add(uploadTime)), rc.SetWriteDeadline(time.Now().Add(uploadTime+time.Minute))); err != nil {
		v.s.d.Log.Debug("no deadlines for update", "err", err)
	}
}

// endUpdate answers a page's request that takeUpdate has handled.
func (v *visit) endUpdate(status int, reason update.Reason, err error) error {
	switch {
	case err != nil:
		return err
	case reason != "":
		return v.showUpdate(status, reason)
	}
	v.flash("flash.update.taken", "ok", 0)
	return v.goTo("/system/update")
}

// updateStick takes a bundle from a USB stick.
func (v *visit) updateStick() error {
	if v.s.d.Updates == nil {
		return errNotFound
	}
	name := v.r.PostFormValue("name")
	if !slices.Contains(v.s.d.Updates.Sticks(), name) {
		return v.showUpdate(http.StatusUnprocessableEntity, update.NotABundle)
	}
	f, err := v.s.d.Updates.Stick(name)
	if err != nil {
		v.s.d.Log.Warn("open update on stick", "err", err)
		return v.showUpdate(http.StatusUnprocessableEntity, update.Truncated)
	}
	defer f.Close()
	return v.endUpdate(v.takeUpdate(f, "stick"))
}

func (v *visit) updateCancel() error {
	if v.s.d.Updates == nil {
		return errNotFound
	}
	version := v.s.d.Updates.Status().Version
	if v.s.d.Updates.Cancel() {
		v.s.d.Journal.Append("", journal.UpdateChanged{What: "cancelled", Version: version, By: v.me.Person, Source: "page"})
		v.flash("flash.update.cancelled", "ok", 0)
	}
	return v.goTo("/system/update")
}

// apiUpdateUpload takes the body as a bundle.
func (v *visit) apiUpdateUpload() error {
	if v.s.d.Updates == nil {
		return errNotFound
	}
	v.allowLong()
	status, reason, err := v.takeUpdate(v.r.Body, "api")
	if err != nil {
		return err
	}
	if reason != "" {
		v.jsonError(status, "update."+string(reason), v.p.T("update.refused."+string(reason)))
		return nil
	}
	return v.json(v.updateModel())
}
