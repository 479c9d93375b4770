package ui

import "centralino/ui/auth"

// Auth lets tests open sessions without a password.
func (s *Server) Auth() *auth.Auth { return s.auth }

// SafePath is what keeps redirects at home.
var SafePath = safePath
