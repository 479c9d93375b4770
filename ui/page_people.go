package ui

import (
	"cmp"
	"html/template"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"rsc.io/qr"

	"centralino/internal/journal"
	"centralino/internal/office"
	"centralino/internal/privacy"
	"centralino/ui/api"
	"centralino/ui/view"
)

// accountModel is personModel with the user name, which is read from the disk.
func (v *visit) accountModel(doc *office.Document, p *office.Person, purpose privacy.Purpose) (api.Person, error) {
	m := v.personModel(doc, p, purpose)
	var err error
	m.Login, err = v.s.auth.LoginOf(v.ctx(), p.ID)
	return m, err
}

// personModel describes a person for the pages that set people up, without the user name.
func (v *visit) personModel(doc *office.Document, p *office.Person, purpose privacy.Purpose) api.Person {
	name := v.name(purpose, p.ID)
	m := api.Person{ID: string(p.ID), Name: name, Initials: initials(name), Role: string(p.Role), RoleWord: v.p.T("role." + string(p.Role)),
		Extensions: []string{}, Phones: []api.Phone{}, Groups: []string{}}
	for _, e := range doc.ExtensionsOf(office.Target{Kind: office.TargetPerson, ID: string(p.ID)}) {
		m.Extensions = append(m.Extensions, e.Digits)
	}
	for i := range doc.Devices {
		if doc.Devices[i].Owner == p.ID {
			m.Phones = append(m.Phones, v.phoneModel(&doc.Devices[i]))
		}
	}
	for _, g := range doc.GroupsOf(p.ID) {
		m.Groups = append(m.Groups, g.Name)
	}
	return m
}

// phoneModel describes a phone and whether it is registered: a function of the
// telephone, not a state of its owner.
func (v *visit) phoneModel(d *office.Device) api.Phone {
	m := api.Phone{ID: string(d.ID), Name: cmp.Or(d.Name, d.Username), Owner: string(d.Owner), Username: d.Username}
	if d.Owner != "" {
		m.OwnerName = v.name(privacy.Configure, d.Owner)
	}
	state, tone := "offline", api.ToneWarn
	if d.Disabled {
		state, tone = "disabled", api.ToneOff
	}
	for _, s := range v.s.d.Phones() {
		if s.Device == d.ID {
			state, tone = "online", api.ToneOK
			m.Address, m.Model, m.Since = s.Address.String()+" "+strings.ToUpper(s.Transport), s.Agent, s.Since
		}
	}
	m.State = api.State{ID: state, Word: v.p.T("phone." + state), Tone: tone}
	return m
}

func (v *visit) peopleModels() []api.Person {
	doc := v.doc()
	out := []api.Person{}
	for i := range doc.People {
		out = append(out, v.personModel(doc, &doc.People[i], privacy.Configure))
	}
	slices.SortStableFunc(out, func(a, b api.Person) int { return cmp.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name)) })
	return out
}

func (v *visit) phoneModels() []api.Phone {
	doc := v.doc()
	out := []api.Phone{}
	for i := range doc.Devices {
		out = append(out, v.phoneModel(&doc.Devices[i]))
	}
	return out
}

func (v *visit) apiPeople() (err error) {
	list := v.peopleModels()
	for i := range list {
		if list[i].Login, err = v.s.auth.LoginOf(v.ctx(), journal.SubjectID(list[i].ID)); err != nil {
			return err
		}
	}
	return v.json(list)
}

func (v *visit) apiPhones() error { return v.json(v.phoneModels()) }

func (v *visit) people() error {
	page := view.People{Frame: v.frame(v.p.T("people.title")), People: v.peopleModels(), Edit: true}
	for _, p := range v.phoneModels() {
		if p.Owner == "" {
			page.Shared = append(page.Shared, p)
		}
	}
	page.Left = v.leftOnes()
	return v.show(http.StatusOK, "people", page)
}

func (v *visit) person() error { return v.personPage(nil) }

func (v *visit) personPage(inv *view.Invite) error {
	doc := v.doc()
	p := doc.PersonByID(journal.SubjectID(v.r.PathValue("id")))
	if p == nil {
		return errNotFound
	}
	m, err := v.accountModel(doc, p, privacy.Configure)
	if err != nil {
		return err
	}
	page := view.Person{Edit: true, Secrets: v.me.Role == office.RoleTechnician, Invite: inv, Ends: v.mayEnd(p),
		Person: m, Uses: v.uses(doc, office.KindPerson, string(p.ID))}
	page.Frame = v.frame(page.Person.Name)
	return v.show(http.StatusOK, "person", page)
}

// invite makes a one-time code for a person and shows it, this once.
func (v *visit) invite() error {
	p := v.doc().PersonByID(journal.SubjectID(v.r.PathValue("id")))
	if p == nil {
		return errNotFound
	}
	// A manager may not make himself a way into a technician's account.
	if p.Role == office.RoleTechnician && v.me.Role != office.RoleTechnician {
		return errDenied
	}
	code, expires, err := v.s.auth.Invite(v.ctx(), p.ID, v.me.Person)
	if err != nil {
		return err
	}
	link := v.here() + "/invite/" + code
	return v.personPage(&view.Invite{Code: code, URL: link, QR: qrCode(link), Expires: expires})
}

// here is the address under which the browser reached the box.
func (v *visit) here() string {
	if v.secure() {
		return "https://" + v.r.Host
	}
	return "http://" + v.r.Host
}

// qrCode draws a text as an SVG QR code, with its quiet zone.
func qrCode(text string) template.HTML {
	c, err := qr.Encode(text, qr.M)
	if err != nil {
		return "" // too long for a code: the text stands beside it
	}
	var path strings.Builder
	for y := range c.Size {
		for x := 0; x < c.Size; x++ {
			if !c.Black(x, y) {
				continue
			}
			w := 1
			for c.Black(x+w, y) {
				w++
			}
			path.WriteString("M" + strconv.Itoa(x+4) + " " + strconv.Itoa(y+4) + "h" + strconv.Itoa(w) + "v1h-" + strconv.Itoa(w) + "z")
			x += w
		}
	}
	n := strconv.Itoa(c.Size + 8)
	return template.HTML(`<svg viewBox="0 0 ` + n + ` ` + n + `" role="img" aria-label="QR" shape-rendering="crispEdges"><path fill="#fff" d="M0 0h` + n + `v` + n + `H0z"/><path d="` + path.String() + `"/></svg>`)
}

// --- a new person ----------------------------------------------------------

func (v *visit) newPersonForm() error {
	page := view.NewPerson{Phone: true, Role: string(office.RoleOperator), Extension: freeExtension(v.doc())}
	groups := map[string]bool{}
	profile := ""
	if typed := v.typed(); typed != nil {
		page, groups, profile = personValues(typed)
	}
	return v.showNewPerson(http.StatusOK, page, groups, profile)
}

func personValues(f url.Values) (view.NewPerson, map[string]bool, string) {
	groups := map[string]bool{}
	for _, g := range f["group"] {
		groups[g] = true
	}
	return view.NewPerson{Name: strings.TrimSpace(f.Get("name")), Role: f.Get("role"), Extension: strings.TrimSpace(f.Get("extension")),
		Phone: f.Get("phone") == "true", PhoneName: strings.TrimSpace(f.Get("phonename"))}, groups, f.Get("profile")
}

func (v *visit) showNewPerson(status int, page view.NewPerson, groups map[string]bool, profile string) error {
	doc := v.doc()
	page.Frame = v.frame(v.p.T("people.new"))
	for _, r := range v.grantable() {
		page.Roles = append(page.Roles, view.Option{Value: string(r), Label: v.p.T("role." + string(r)), Selected: string(r) == page.Role})
	}
	for i := range doc.Groups {
		g := &doc.Groups[i]
		page.Groups = append(page.Groups, view.Option{Value: string(g.ID), Label: g.Name, Selected: groups[string(g.ID)]})
	}
	for i := range doc.Profiles {
		p := &doc.Profiles[i]
		page.Profiles = append(page.Profiles, view.Option{Value: string(p.ID), Label: p.Name, Selected: profile == string(p.ID)})
	}
	return v.show(status, "newperson", page)
}

// grantable lists the roles that the person may give: nobody makes somebody who
// may do more than himself.
func (v *visit) grantable() []office.Role {
	roles := []office.Role{office.RoleOperator, office.RoleLeader, office.RoleManager}
	if v.me.Role == office.RoleTechnician {
		roles = append(roles, office.RoleTechnician)
	}
	return roles
}

// freeExtension proposes the number after the highest one of a person, or 201.
func freeExtension(doc *office.Document) string {
	next := 201
	for i := range doc.Extensions {
		e := &doc.Extensions[i]
		if n, err := strconv.Atoi(e.Digits); err == nil && e.Target.Kind == office.TargetPerson && n >= next && n < 99999 {
			next = n + 1
		}
	}
	for taken := true; taken && next < 99999; {
		if _, taken = doc.Resolve(strconv.Itoa(next)); taken {
			next++
		}
	}
	return strconv.Itoa(next)
}

// newPerson makes a person, the extension and the phone in one draft.
func (v *visit) newPerson() error {
	page, groups, profile := personValues(v.r.PostForm)
	bad := func(field, label, text string) {
		page.Problems = append(page.Problems, view.FieldProblem{Field: field, Label: v.p.T(label), Text: text})
	}
	if !goodName(page.Name) {
		bad("name", "people.name", v.p.T("name.form"))
	}
	if !slices.Contains(v.grantable(), office.Role(page.Role)) {
		bad("role", "people.role", v.p.T("people.role.denied"))
	}
	if page.Extension == "" {
		bad("extension", "people.extension", v.p.T("form.required"))
	}
	if len(page.Problems) > 0 {
		return v.showNewPerson(http.StatusUnprocessableEntity, page, groups, profile)
	}
	n, err := v.personDraft(page, groups, profile)
	if err != nil {
		return err
	}
	problems, err := v.propose(n)
	if err != nil || len(problems) == 0 {
		return err
	}
	names := v.namer(v.doc(), n.names)
	for _, p := range problems {
		switch {
		case p.Kind == office.KindExtension:
			bad("extension", "people.extension", v.problemText(names, p))
		case p.Kind == office.KindDevice:
			bad("phonename", "people.phonename", v.problemText(names, p))
		default:
			bad("name", "kind."+string(p.Kind), v.problemText(names, p))
		}
	}
	return v.showNewPerson(http.StatusUnprocessableEntity, page, groups, profile)
}

// personDraft prepares the change: ids and the secret are made once, so that the
// difference that was shown is the one that is applied.
func (v *visit) personDraft(page view.NewPerson, groups map[string]bool, profile string) (*draft, error) {
	id := privacy.NewPerson()
	ext, err := v.s.d.Office.NewID(v.ctx(), office.KindExtension)
	if err != nil {
		return nil, err
	}
	n := &draft{title: v.p.T("draft.person", "name", page.Name), note: "edit", back: "/people/new", values: v.r.PostForm,
		done: "/people/" + string(id), names: map[journal.SubjectID]string{id: page.Name}}
	writes := []writer{v.s.d.People.StageName(id, page.Name)}
	var dev office.ID
	var secret office.SecretRef
	if page.Phone {
		if dev, err = v.s.d.Office.NewID(v.ctx(), office.KindDevice); err != nil {
			return nil, err
		}
		ref, write := v.s.d.Secrets.Stage(office.NewSecret())
		secret, writes = ref, append(writes, write)
		n.done = "/phones/" + string(dev)
	}
	n.with = both(writes...)
	set := fieldSetter{}
	n.edit = func(doc *office.Document) []office.Problem {
		set.problems = nil
		set.add(doc, office.KindPerson, string(id))
		set.set(doc, office.KindPerson, string(id), "role", page.Role)
		if profile != "" {
			set.set(doc, office.KindPerson, string(id), "profile", profile)
		}
		set.add(doc, office.KindExtension, string(ext))
		set.set(doc, office.KindExtension, string(ext), "digits", page.Extension)
		set.set(doc, office.KindExtension, string(ext), "target", "person:"+string(id))
		if page.Phone {
			set.add(doc, office.KindDevice, string(dev))
			set.set(doc, office.KindDevice, string(dev), "name", cmp.Or(page.PhoneName, v.p.T("people.phone.default", "extension", page.Extension)))
			set.set(doc, office.KindDevice, string(dev), "owner", string(id))
			set.set(doc, office.KindDevice, string(dev), "username", freeUsername(doc, page.Extension))
			set.set(doc, office.KindDevice, string(dev), "secret", string(secret))
		}
		for i := range doc.Groups {
			g := &doc.Groups[i]
			if groups[string(g.ID)] {
				have, _ := doc.Get(office.KindGroup, string(g.ID), "members")
				set.set(doc, office.KindGroup, string(g.ID), "members", strings.TrimSpace(have+" "+string(id)))
			}
		}
		return set.problems
	}
	return n, nil
}

// freeUsername is the extension, or with a letter behind it if that is taken.
func freeUsername(doc *office.Document, ext string) string {
	for i := range 26 {
		name := ext
		if i > 0 {
			name += string(rune('a' + i))
		}
		if !slices.ContainsFunc(doc.Devices, func(d office.Device) bool { return d.Username == name }) {
			return name
		}
	}
	return ext
}

// fieldSetter collects the problems of several edits.
type fieldSetter struct{ problems []office.Problem }

func (f *fieldSetter) add(doc *office.Document, k office.Kind, id string) {
	f.problems = append(f.problems, doc.Add(k, id)...)
}

func (f *fieldSetter) set(doc *office.Document, k office.Kind, id, field, text string) {
	f.problems = append(f.problems, doc.Set(k, id, field, text)...)
}

// --- a phone ---------------------------------------------------------------

func (v *visit) phone() error { return v.phonePage(false) }

// phoneAccount shows the account with its password; the look is journalled.
func (v *visit) phoneAccount() error { return v.phonePage(true) }

// phoneView is one phone's page without its frame and its account.
func (v *visit) phoneView(d *office.Device) view.Phone {
	doc := v.doc()
	return view.Phone{Edit: true, Secrets: v.me.Role == office.RoleTechnician, Server: v.sipServer(), Keys: v.lampKeys(doc, d),
		Phone: v.phoneModel(d), Uses: v.uses(doc, office.KindDevice, string(d.ID))}
}

// lampKeys are the numbers that keys with a lamp of this phone may watch: the
// extensions of other phones, and the codes of its own person's state.
func (v *visit) lampKeys(doc *office.Document, d *office.Device) []view.Pair {
	var keys []view.Pair
	for i := range doc.Extensions {
		x := &doc.Extensions[i]
		if x.Target.Kind == office.TargetPerson && x.Target.ID != string(d.Owner) || x.Target.Kind == office.TargetDevice && x.Target.ID != string(d.ID) {
			keys = append(keys, view.Pair{Label: x.Digits, Value: v.p.T("phone.keys.extension")})
			break
		}
	}
	if d.Owner == "" {
		return keys
	}
	for _, f := range []office.Feature{office.FeatureLogin, office.FeatureLogout, office.FeaturePause, office.FeatureReady, office.FeatureMore, office.FeatureOutcome, office.FeatureBreak} {
		keys = append(keys, view.Pair{Label: doc.Code(f), Value: v.p.T("phone.keys." + string(f))})
	}
	return keys
}

func (v *visit) phonePage(open bool) error {
	d := v.doc().DeviceByID(office.ID(v.r.PathValue("id")))
	if d == nil {
		return errNotFound
	}
	page := v.phoneView(d)
	page.Frame = v.frame(page.Phone.Name)
	page.Live = "/live?page=phone&id=" + string(d.ID)
	if open {
		var err error
		if page.Account, err = v.account(d, "page"); err != nil {
			return err
		}
	}
	return v.show(http.StatusOK, "phone", page)
}

// sipServer is what to type into a phone: the one address that SIP listens on, else
// the address under which the browser reached the box if it is one, else the box's
// first.
func (v *visit) sipServer() string {
	host := v.r.Host
	if ap, err := netip.ParseAddrPort(host); err == nil {
		host = ap.Addr().String()
	}
	a, err := netip.ParseAddr(strings.Trim(host, "[]"))
	switch only := v.s.d.SIPAddr; {
	case only.IsValid() && !only.IsUnspecified():
		a = only
	case err != nil || a.IsLoopback():
		for _, own := range v.s.d.Addresses() {
			if !own.IsLoopback() || !a.IsValid() {
				a = own
				break
			}
		}
	}
	if !a.IsValid() {
		return host
	}
	if port := v.s.d.SIPPort; port != 0 && port != 5060 {
		return netip.AddrPortFrom(a, port).String()
	}
	if a.Is6() {
		return "[" + a.String() + "]"
	}
	return a.String()
}

// phoneSecret proposes a fresh password for a phone.
func (v *visit) phoneSecret() error {
	d := v.doc().DeviceByID(office.ID(v.r.PathValue("id")))
	if d == nil {
		return errNotFound
	}
	id := string(d.ID)
	ref, write := v.s.d.Secrets.Stage(office.NewSecret())
	problems, err := v.propose(&draft{title: v.p.T("draft.secret", "name", d.Name), note: "edit", back: "/phones/" + id, with: write,
		edit: func(doc *office.Document) []office.Problem {
			return doc.Set(office.KindDevice, id, "secret", string(ref))
		}})
	if err == nil && len(problems) > 0 {
		return errBad
	}
	return err
}
