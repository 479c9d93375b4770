package ui

import (
	"errors"
	"io"
	"log/slog"
	"mime/multipart"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"centralino/internal/journal"
	"centralino/ui/api"
	"centralino/ui/auth"
	"centralino/ui/live"
	"centralino/ui/view"
)

// restoreState remembers that a backup waits for the next start.
type restoreState struct {
	mu       sync.Mutex
	prepared bool
}

func (r *restoreState) set() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.prepared = true
}

func (r *restoreState) get() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.prepared
}

// repairTold is how long the page tells of a repair of the memory card: as long as
// somebody may wonder what is missing, or see that it comes again.
const repairTold = 30 * 24 * time.Hour

var repairTexts = map[journal.Repair]string{journal.RepairSafe: "system.repair.safe", journal.RepairForced: "system.repair.forced"}

// repairModel is the last repair of the file system, nil where none is to be told.
func (v *visit) repairModel(b live.Box) *api.Repair {
	if b.Repaired == "" || v.s.d.Now().Sub(b.RepairedAt) > repairTold {
		return nil
	}
	return &api.Repair{At: b.RepairedAt, Forced: b.Repaired == journal.RepairForced, Text: v.p.T(repairTexts[b.Repaired])}
}

// systemModel needs nothing that is read from the disk: by it people see why they can't.
func (v *visit) systemModel() api.System {
	st := v.s.hub.State()
	m := api.System{Version: v.s.d.About.Version, Commit: v.s.d.About.Commit, Board: v.s.d.About.Board, Started: st.Box.Started,
		Addresses: []string{}, Secure: v.secure(), Claimed: v.me.Person != ""}
	for _, a := range v.s.d.Addresses() {
		m.Addresses = append(m.Addresses, a.String())
	}
	m.Addresses = append(m.Addresses, v.s.names()...)
	m.Refused, m.Repair, m.Clock = v.refusedModel(), v.repairModel(st.Box), v.clockModel(st.Box)
	if word := "boardname." + v.s.d.About.BoardName; v.p.Has(word) { // a make is the same in every language, a description is not
		m.Board = v.p.T(word)
	}
	return m
}

func (v *visit) apiSystem() error { return v.json(v.systemModel()) }

func (v *visit) systemPage(tab string) view.System {
	page := view.System{Box: v.systemModel(), Tab: tab, MayRead: v.s.d.Acknowledge != nil && v.may("POST /system/faults/{kind}/read"), Prepared: v.s.restored.get(), MayManage: v.may("GET /system/backup"), MayUpdate: v.s.d.Updates != nil && v.may("GET /system/update"),
		Backup: v.s.d.Backup != nil, Restore: v.s.d.Restore != nil}
	page.Frame = v.frame(v.p.T("system.title"))
	page.Health = v.healthModel()
	page.MayClock = v.s.d.Clock != nil && !v.s.d.Clock.Known().Trusted && v.may("POST /system/clock")
	if v.s.ca != nil {
		page.CA, page.CAPrint = true, v.s.ca.fingerprint()
	}
	if !v.secure() && v.s.d.HTTPSPort != 0 {
		host := v.r.Host
		if h, _, err := net.SplitHostPort(host); err == nil {
			host = h
		}
		page.HTTPS = "https://" + net.JoinHostPort(strings.Trim(host, "[]"), strconv.Itoa(int(v.s.d.HTTPSPort))) + "/"
	}
	return page
}

func (v *visit) system() error {
	return v.show(http.StatusOK, "system", v.systemPage("about"))
}

func (v *visit) licences() error {
	page := v.systemPage("licences")
	for _, l := range v.s.d.About.Licences() {
		page.Licences = append(page.Licences, view.Licence(l))
	}
	return v.show(http.StatusOK, "system", page)
}

// --- backup and restore ----------------------------------------------------

func (v *visit) backupForm() error { return v.backupPage(http.StatusOK, "") }

func (v *visit) backupPage(status int, problem string) error {
	page := v.systemPage("backup")
	if problem != "" {
		page.Problem = v.p.T(problem)
	}
	return v.show(status, "system", page)
}

// backup sends the whole box as one encrypted file. It is made before anything is
// sent, so that a failure is a page and not half a file.
func (v *visit) backup() error {
	if v.s.d.Backup == nil {
		return errNotFound
	}
	pass := v.r.PostFormValue("passphrase")
	if utf8.RuneCountInString(pass) < auth.MinPassword {
		return v.backupPage(http.StatusUnprocessableEntity, "backup.short")
	}
	rc := http.NewResponseController(v.w)
	if err := rc.SetWriteDeadline(time.Now().Add(30 * time.Minute)); err != nil {
		v.s.d.Log.Debug("no write deadline for backup", "err", err)
	}
	name := "centralino-" + v.s.d.Now().In(v.s.zone()).Format("20060102-1504") + ".backup"
	out := &lateHeader{v: v, name: name}
	if err := v.s.d.Backup(v.ctx(), out, pass); err != nil {
		v.s.d.Log.Error("backup failed", "err", err)
		if out.begun {
			panic(http.ErrAbortHandler) // the browser must not take a torso for a backup
		}
		return v.backupPage(http.StatusInternalServerError, "backup.failed")
	}
	v.s.d.Journal.Append("", journal.AccessEvent{What: "backup", Who: v.me.Person, Source: "page"})
	return nil
}

// lateHeader says that a file follows once its first octets are there.
type lateHeader struct {
	v     *visit
	name  string
	begun bool
}

func (l *lateHeader) Write(b []byte) (int, error) {
	if !l.begun {
		l.begun = true
		h := l.v.w.Header()
		h.Set("Content-Type", "application/octet-stream")
		h.Set("Content-Disposition", `attachment; filename="`+l.name+`"`)
	}
	return l.v.w.Write(b)
}

// restore takes a backup and prepares it for the next start. The file streams
// through; it never stands in memory.
func (v *visit) restore() error {
	if v.s.d.Restore == nil {
		return errNotFound
	}
	rc := http.NewResponseController(v.w)
	if err := errors.Join(rc.SetReadDeadline(time.Now().Add(30*time.Minute)), rc.SetWriteDeadline(time.Now().Add(31*time.Minute))); err != nil {
		v.s.d.Log.Debug("no deadlines for restore", "err", err)
	}
	mr, err := v.r.MultipartReader()
	if err != nil {
		return errBad
	}
	file, pass, err := uploadParts(mr)
	if err != nil {
		return v.backupPage(http.StatusUnprocessableEntity, "restore.nofile")
	}
	defer file.Close()
	if err := v.s.d.Restore(v.ctx(), file, pass); err != nil {
		var tooBig *http.MaxBytesError
		if errors.As(err, &tooBig) {
			return err
		}
		v.s.refused.add("upload", "backup")
		v.s.d.Log.Warn("restore refused", "err", err)
		v.s.d.Journal.Append("", journal.AccessEvent{What: "restore.refused", Who: v.me.Person, Source: "page"})
		return v.backupPage(http.StatusUnprocessableEntity, "restore.refused")
	}
	v.s.restored.set()
	v.s.d.Journal.Append("", journal.AccessEvent{What: "restore.prepared", Who: v.me.Person, Source: "page"})
	return v.goTo("/system/backup")
}

// uploadParts finds the passphrase and then the file, in the order of our form, so
// that the file can stream.
func uploadParts(mr *multipart.Reader) (io.ReadCloser, string, error) {
	var pass string
	for {
		p, err := mr.NextPart()
		if err != nil {
			return nil, "", err
		}
		switch p.FormName() {
		case "passphrase":
			b, err := io.ReadAll(io.LimitReader(p, 1024))
			if err != nil {
				return nil, "", err
			}
			pass = string(b)
		case "file":
			if p.FileName() == "" || pass == "" {
				return nil, "", errBad
			}
			return p, pass, nil
		}
	}
}

// restart ends the program in order; whoever keeps it running starts it anew.
func (v *visit) restart() error {
	if v.s.d.Restart == nil {
		return errNotFound
	}
	v.s.d.Journal.Append("", journal.AccessEvent{What: "restart", Who: v.me.Person, Source: "page"})
	v.flash("flash.restart", "warn", 0)
	if err := v.goTo("/system"); err != nil {
		return err
	}
	v.s.d.Restart()
	return nil
}

// --- log -------------------------------------------------------------------

var logLevels = []slog.Level{slog.LevelDebug, slog.LevelInfo, slog.LevelWarn, slog.LevelError}

func (v *visit) logModel() ([]api.LogLine, LogFilter) {
	q := v.r.URL.Query()
	f := LogFilter{Call: q.Get("call"), Text: q.Get("text"), Level: slog.LevelInfo, Limit: 300}
	if f.Call != "" {
		f.Level = slog.LevelDebug
	}
	var l slog.Level
	if l.UnmarshalText([]byte(q.Get("level"))) == nil && slices.Contains(logLevels, l) {
		f.Level = l
	}
	out := []api.LogLine{}
	if v.s.d.Logs == nil {
		return out, f
	}
	for _, l := range v.s.d.Logs(f) {
		out = append(out, api.LogLine(l))
	}
	slices.Reverse(out) // the newest on top
	return out, f
}

func (v *visit) log() error {
	page := v.systemPage("log")
	var f LogFilter
	page.Log, f = v.logModel()
	page.LogText, page.LogCall = f.Text, f.Call
	for _, l := range logLevels {
		page.Levels = append(page.Levels, view.Option{Value: l.String(), Label: v.p.T("log.level." + l.String()), Selected: l == f.Level})
	}
	return v.show(http.StatusOK, "system", page)
}

func (v *visit) apiLog() error {
	lines, _ := v.logModel()
	return v.json(lines)
}
