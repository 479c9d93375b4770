package ui_test

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"testing"

	"centralino/internal/office"
	"centralino/ui"
)

// Who connects a modem picks its port by what is written on it.
func TestFormOfALineOffersThePortsThatAreThere(t *testing.T) {
	var fail error
	ports := []ui.SerialPort{
		{Identity: "usb:0572:1340:24680246", Device: "/dev/ttyACM0", Product: "USB Modem <CX>", Serial: "24680246"},
		{Identity: "usb:0baf:00eb:@1-1.4", Device: "/dev/ttyACM1", Product: "USR5637"},
		{Identity: "path:/dev/ttyS0", Device: "/dev/ttyS0"},
	}
	r := newRig(t, true, func(d *ui.Deps) { d.Ports = func() ([]ui.SerialPort, error) { return ports, fail } })
	b := r.as(tech)
	b.apply(b.post("/edit/line/line-2", url.Values{"name": {"Linea 2"}, "port": {"path:/dev/ttyS0"}, "channels": {"1"}, "emergency": {"true"}}))
	b.get("/edit/line/line-1").has(t, `list="f-port-list"`, `<option value="usb:0572:1340:24680246">USB Modem &lt;CX&gt;, numero di serie 24680246, /dev/ttyACM0</option>`,
		`<option value="usb:0baf:00eb:@1-1.4">USR5637, /dev/ttyACM1</option>`, "/dev/ttyS0, già usata dalla linea «Linea 2»", "Collegate adesso 3 porte")
	b.get("/edit/line/line-2").has(t, `<option value="path:/dev/ttyS0">/dev/ttyS0</option>`).lacks(t, "già usata dalla linea")
	b.get("/edit/line/new").has(t, "usb:0572:1340:24680246")
	b.get("/edit/line/new?kind=trunk").lacks(t, "usb:0572:1340:24680246")
	ports = ports[:1] // asked anew whenever the form opens
	b.get("/edit/line/line-1").has(t, "Collegata adesso", "ttyACM0").lacks(t, "ttyACM1")
	ports = nil
	b.get("/edit/line/line-1").has(t, "Adesso non è collegata nessuna porta seriale").lacks(t, "<datalist")
	fail = errors.New("no bus")
	b.get("/edit/line/line-1").has(t, "non si possono elencare").lacks(t, "no bus")
	r.as(dario).get("/edit/line/line-1").lacks(t, "non si possono elencare") // who may not change the port is not told of them
}

// A telephone line's page tells the device in words.
func TestLinePageTellsTheDevice(t *testing.T) {
	r := newRig(t, true)
	r.box.set(func(b *fakeBox) {
		b.lines = []ui.LineStatus{{ID: "line-1", State: "idle", Model: "CX93001-EIS", Dialect: "cx930xx", Port: "/dev/ttyACM0"}, {ID: "line-2", State: "outOfService"}}
	})
	r.as(tech).get("/lines/line-1").has(t, "Dispositivo", "CX93001-EIS, Conexant CX930xx, /dev/ttyACM0")
	r.as(tech).get("/lines/line-2").lacks(t, "Dispositivo")
}

// On real lines nobody can make the line ring from the page, and the page says so.
func TestLinePageSaysWhyThereIsNoTestRing(t *testing.T) {
	r := newRig(t, true, func(d *ui.Deps) { d.TestRing = nil })
	const why = "nel centralino simulato: per provare questa linea"
	r.as(tech).get("/lines/line-1").has(t, why).lacks(t, "/lines/line-1/test")
	r.as(dario).get("/lines/line-1").lacks(t, why)
	newRig(t, true).as(tech).get("/lines/line-1").lacks(t, why).has(t, "/lines/line-1/test")
}

// Mobile lines are not built: nobody is offered one, a document that has one stays.
func TestMobileLinesAreNotOffered(t *testing.T) {
	r := newRig(t, true)
	b := r.as(tech)
	b.get("/edit/line/new").has(t, `value="isdn"`).lacks(t, `value="mobile"`)
	b.get("/edit/line/new?kind=mobile").lacks(t, `value="mobile"`)
	b.post("/edit/line/new", url.Values{"name": {"Cellulare"}, "kind": {"mobile"}, "channels": {"1"}}).is(t, http.StatusUnprocessableEntity).has(t, "non è fra le scelte")
	doc := r.office.Current().Doc.Clone()
	doc.Lines[0].Kind = office.LineMobile
	if _, err := r.office.Apply(context.Background(), office.Edit{Base: r.office.Current().Version, Doc: doc, Note: "edit", By: tech}); err != nil {
		t.Fatal(err)
	}
	b.get("/lines/line-1").has(t, "Linea mobile")
	b.get("/edit/line/line-1").has(t, `value="mobile"`)
	b.apply(b.post("/edit/line/line-1", url.Values{"name": {"Vecchia"}, "channels": {"1"}, "emergency": {"true"}}))
}
