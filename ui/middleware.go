package ui

import (
	"net"
	"net/http"
	"net/netip"
	"runtime/debug"
	"strings"
)

// policy is the content security policy of every page: nothing but our own files,
// no inline script or style, no frame.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; media-src 'self'; " +
	"form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// middleware puts around the routes what holds for every request, outermost first:
// headers, recovery, Host allow list, cross-origin protection.
func (s *Server) middleware(next http.Handler) http.Handler {
	cross := http.NewCrossOriginProtection()
	cross.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.refuse(w, r, http.StatusForbidden, "E-ORIGIN")
	}))
	h := cross.Handler(next)
	h = s.checkHost(h)
	h = s.recover(h)
	return headers(h)
}

// headers sets what every answer carries. Pages are never cached; assets say
// otherwise themselves.
func headers(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "same-origin")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
		h.Set("Cache-Control", "no-store")
		next.ServeHTTP(w, r)
	})
}

// recover turns a panic of one page into an error page and keeps the box.
func (s *Server) recover(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			p := recover()
			if p == nil || p == http.ErrAbortHandler {
				return
			}
			s.d.Log.Error("page stopped by a panic", "path", r.URL.Path, "panic", p, "stack", string(debug.Stack()))
			s.refuse(w, r, http.StatusInternalServerError, "E-500")
		}()
		next.ServeHTTP(w, r)
	})
}

// checkHost refuses requests for a name that is not ours: a web page elsewhere may
// point its own name at the box's address (DNS rebinding). An address is always
// fine, since no name was involved.
func (s *Server) checkHost(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !s.knownHost(r.Host) {
			s.refuse(w, r, http.StatusMisdirectedRequest, "E-HOST")
			return
		}
		next.ServeHTTP(w, r)
	})
}

// names are the box's now, beside its addresses.
func (s *Server) names() []string {
	if s.d.Names == nil {
		return nil
	}
	return s.d.Names()
}

func (s *Server) knownHost(host string) bool {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	host = strings.TrimSuffix(strings.ToLower(strings.Trim(host, "[]")), ".")
	if _, err := netip.ParseAddr(host); err == nil || host == "localhost" {
		return true
	}
	for _, n := range s.names() {
		if strings.EqualFold(n, host) {
			return true
		}
	}
	return false
}
