package ui

import (
	"strings"

	"centralino/ui/api"
)

// roleNames are the roles of an Access, for the description.
func (a Access) roleNames() []string {
	if a&Anybody != 0 {
		return []string{"anybody"}
	}
	var out []string
	for _, r := range []struct {
		a    Access
		name string
	}{{Technician, "technician"}, {Manager, "manager"}, {Leader, "leader"}, {Operator, "operator"}} {
		if a&r.a != 0 {
			out = append(out, r.name)
		}
	}
	return out
}

// OpenAPI describes the JSON routes.
func (s *Server) OpenAPI() ([]byte, error) {
	var ops []api.Operation
	for _, r := range s.routes {
		if strings.HasPrefix(r.Pattern, "/api/v1/") && r.Answer != nil {
			ops = append(ops, api.Operation{Method: r.Method, Path: r.Pattern, Doc: r.Doc, Query: r.Query, Cursor: r.Cursor, Leads: r.Leads, Roles: r.Who.roleNames(), Scope: string(r.Scope), Body: r.Body, Form: r.Form, Answer: r.Answer, Stream: r.stream})
		}
	}
	return api.Describe(ops)
}

func (v *visit) apiDocument() error {
	b, err := v.s.OpenAPI()
	if err != nil {
		return err
	}
	v.w.Header().Set("Content-Type", "application/json")
	_, _ = v.w.Write(b)
	return nil
}
