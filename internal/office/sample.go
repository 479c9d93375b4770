package office

// SampleOptions shape the sample office.
type SampleOptions struct {
	AlwaysOpen bool // the opening hours are overridden to open
}

// SampleOffice is a document with the names and secrets that it refers to.
type SampleOffice struct {
	Doc     *Document
	Names   map[string]string    // person id -> name
	Secrets map[SecretRef]string // to be kept with Secrets.Load
}

// Sample returns the sample office: a site in Milan, four people with phones on
// 201 to 204, the queue "Assistenza", a menu, opening hours, two analog lines and
// an ISDN line.
func Sample(o SampleOptions) SampleOffice { return SampleOffice{} }

// SamplePerf returns the office of the performance kit: extensions 1000 to 1999
// with password "pw" and number, queue 6000 with agents 1500 to 1509.
func SamplePerf() SampleOffice { return SampleOffice{} }
