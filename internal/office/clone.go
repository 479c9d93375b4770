package office

// Clone returns a deep copy that may be edited.
func (d *Document) Clone() *Document { c := *d; return &c }
