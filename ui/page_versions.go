package ui

import (
	"net/http"
	"strconv"

	"centralino/internal/office"
	"centralino/internal/privacy"
	"centralino/ui/api"
	"centralino/ui/view"
)

// versionsPerPage is how many versions a page lists.
const versionsPerPage = 30

func (v *visit) versionModel(i office.VersionInfo) api.Version {
	m := api.Version{Version: i.Version, Applied: i.Applied, Current: i.Current, By: v.p.T("who.box")}
	if i.By != "" {
		m.By = v.name(privacy.Account, i.By)
	}
	key := "version.note." + i.Note
	if !v.p.Has(key) {
		key = "version.note.edit"
	}
	m.Note = v.p.T(key, "from", i.From)
	return m
}

func (v *visit) versionModels() ([]api.Version, string, error) {
	before := 0
	if b := v.r.URL.Query().Get("before"); b != "" {
		var err error
		if before, err = strconv.Atoi(b); err != nil || before < 1 {
			return nil, "", errBad
		}
	}
	list, err := v.s.d.Office.Versions(v.ctx(), before, versionsPerPage)
	if err != nil {
		return nil, "", err
	}
	out := []api.Version{}
	for _, i := range list {
		out = append(out, v.versionModel(i))
	}
	older := ""
	if n := len(list); n == versionsPerPage && list[n-1].Version > 1 {
		older = strconv.Itoa(list[n-1].Version)
	}
	return out, older, nil
}

func (v *visit) versions() error {
	list, older, err := v.versionModels()
	if err != nil {
		return err
	}
	page := view.Versions{Frame: v.frame(v.p.T("versions.title")), Versions: list}
	_, page.Older = v.pager(older, "before")
	return v.show(http.StatusOK, "versions", page)
}

func (v *visit) apiVersions() error {
	list, older, err := v.versionModels()
	if err != nil {
		return err
	}
	return v.jsonList(list, older)
}

// differenceModel is what a version changed against the one before.
func (v *visit) differenceModel() (api.Difference, error) {
	n, err := pathInt(v.r, "n")
	if err != nil || n < 1 {
		return api.Difference{}, errNotFound
	}
	list, err := v.s.d.Office.Versions(v.ctx(), n+1, 1)
	if err != nil {
		return api.Difference{}, err
	}
	if len(list) == 0 || list[0].Version != n {
		return api.Difference{}, errNotFound
	}
	d := api.Difference{Version: v.versionModel(list[0]), Changes: []api.Change{}}
	if n == 1 {
		return d, nil
	}
	after, err := v.s.d.Office.At(v.ctx(), n)
	if err != nil {
		return d, err
	}
	before, err := v.s.d.Office.At(v.ctx(), n-1)
	if err != nil {
		return d, err
	}
	d.Changes = v.changes(before, after, office.Diff(before, after), nil)
	return d, nil
}

func (v *visit) version() error {
	d, err := v.differenceModel()
	if err != nil {
		return err
	}
	page := view.Version{Frame: v.frame(v.p.T("version.name", "version", d.Version.Version)), Difference: d}
	return v.show(http.StatusOK, "version", page)
}

func (v *visit) apiVersion() error {
	d, err := v.differenceModel()
	if err != nil {
		return err
	}
	return v.json(d)
}
