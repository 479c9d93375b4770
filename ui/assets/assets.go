// Package assets holds what the pages load beside HTML: one style sheet, one
// script and the box's mark. Files are named by their content, so browsers may
// keep them for ever, and are compressed once at start. It starts no goroutine
// and is immutable after New.
package assets

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"fmt"
	"net/http"
	"path"
	"strconv"
	"strings"
)

//go:embed app.css
var css []byte

//go:embed live.js
var js []byte

//go:embed mark.svg
var mark []byte

// Set is the served files.
type Set struct {
	names map[string]string // "app.css" -> "app-1a2b3c4d5e6f.css"
	files map[string]file   // by served name
}

type file struct {
	kind        string
	raw, zipped []byte
}

// New prepares the files; lamps is the style sheet of the lamps' patterns, which
// is made from the one table of board/led and appended to the rest.
func New(lamps string) (*Set, error) {
	s := &Set{names: map[string]string{}, files: map[string]file{}}
	style := append(append(bytes.Clone(css), '\n'), lamps...)
	for _, f := range []struct {
		name, kind string
		body       []byte
	}{
		{"app.css", "text/css; charset=utf-8", style},
		{"live.js", "text/javascript; charset=utf-8", js},
		{"mark.svg", "image/svg+xml", mark},
	} {
		var z bytes.Buffer
		w, err := gzip.NewWriterLevel(&z, gzip.BestCompression)
		if err == nil {
			_, err = w.Write(f.body)
		}
		if err == nil {
			err = w.Close()
		}
		if err != nil {
			return nil, fmt.Errorf("compress %s: %w", f.name, err)
		}
		sum := sha256.Sum256(f.body)
		ext := path.Ext(f.name)
		served := strings.TrimSuffix(f.name, ext) + "-" + hex.EncodeToString(sum[:6]) + ext
		s.names[f.name] = served
		s.files[served] = file{kind: f.kind, raw: f.body, zipped: z.Bytes()}
	}
	return s, nil
}

// URL is the address of a file, "/assets/app-….css". Unknown names give an
// address that does not exist.
func (s *Set) URL(name string) string { return "/assets/" + s.names[name] }

// Serve answers a request for the file of that served name.
func (s *Set) Serve(w http.ResponseWriter, r *http.Request, name string) {
	f, ok := s.files[name]
	if !ok {
		http.NotFound(w, r)
		return
	}
	h := w.Header()
	h.Set("Content-Type", f.kind)
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	h.Set("Vary", "Accept-Encoding")
	body := f.raw
	if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		h.Set("Content-Encoding", "gzip")
		body = f.zipped
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(http.StatusOK)
	if r.Method != http.MethodHead {
		_, _ = w.Write(body)
	}
}
