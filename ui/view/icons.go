package view

import "html/template"

// icons are the pages' own line drawings on a 24 by 24 grid.
var icons = map[string]string{
	"home":    `<path d="M4 11.5 12 5l8 6.5V19a1 1 0 0 1-1 1h-4.5v-5h-5v5H5a1 1 0 0 1-1-1z"/>`,
	"book":    `<path d="M6.5 4H18a1 1 0 0 1 1 1v14a1 1 0 0 1-1 1H6.5A1.5 1.5 0 0 1 5 18.500v-13A1.5 1.5 0 0 1 6.500 4z"/><circle cx="12" cy="10" r="2"/><path d="M8.500 15.500c.5-1.700 1.800-2.500 3.500-2.500s3 .8 3.500 2.500"/>`,
	"people":  `<circle cx="9" cy="8.5" r="3.2"/><path d="M3 19.5c.4-3.4 2.8-5.2 6-5.2s5.6 1.8 6 5.2"/><path d="M15.5 5.6a3.1 3.1 0 0 1 0 5.8M17.6 14.8c1.9.7 3.1 2.3 3.4 4.7"/>`,
	"person":  `<circle cx="12" cy="8.2" r="3.6"/><path d="M5 20c.5-3.8 3.3-5.8 7-5.8s6.5 2 7 5.8"/>`,
	"line":    `<path d="M4 16.5h4.5l2-8.5 3 11.5 2.2-7H20"/>`,
	"office":  `<path d="M5 20V5.5A1.5 1.5 0 0 1 6.5 4h7A1.5 1.5 0 0 1 15 5.5V20M15 10h3.5a1 1 0 0 1 1 1v9M3 20h18"/><path d="M8.5 8h3M8.5 12h3M8.5 16h3"/>`,
	"calls":   `<path d="M6.2 4h2.6l1.7 4.2-2 1.6a11.5 11.5 0 0 0 5.7 5.7l1.6-2 4.2 1.7v2.6A2 2 0 0 1 18 20 14.3 14.3 0 0 1 4 6a2 2 0 0 1 2.2-2z"/>`,
	"in":      `<path d="M18 6 7 17M7 9v8h8"/>`,
	"out":     `<path d="M6 18 17 7M9 7h8v8"/>`,
	"inside":  `<path d="M5 9h13l-3.5-3.5M19 15H6l3.5 3.5"/>`,
	"version": `<path d="M4.5 12a7.5 7.5 0 1 0 2.3-5.4L4.5 9"/><path d="M4.5 4.5V9H9M12 8v4.3l3 1.7"/>`,
	"system":  `<rect x="4" y="5" width="16" height="11" rx="2"/><path d="M9 20h6M12 16v4M8 9h.01M11 9h5M8 12h.01M11 12h5"/>`,
	"search":  `<circle cx="11" cy="11" r="6"/><path d="m20 20-4.7-4.7"/>`,
	"plus":    `<path d="M12 5v14M5 12h14"/>`,
	"phone":   `<rect x="4" y="8" width="16" height="12" rx="2"/><path d="M7 4h3v12H7zM13 12h.01M16.5 12h.01M13 16h.01M16.5 16h.01"/>`,
	"queue":   `<circle cx="6" cy="12" r="2"/><circle cx="12" cy="12" r="2"/><circle cx="18" cy="12" r="2"/>`,
	"clock":   `<circle cx="12" cy="12" r="8"/><path d="M12 7.5V12l3 2"/>`,
	"menu":    `<path d="M4 7h16M4 12h16M4 17h16"/>`,
	"path":    `<circle cx="6" cy="6" r="2"/><circle cx="18" cy="18" r="2"/><path d="M6 8v4a4 4 0 0 0 4 4h6M14 13l3 3"/>`,
	"voice":   `<path d="M4 10v4h3.5l4.5 4V6L7.5 10zM15.5 9a4.2 4.2 0 0 1 0 6M18 6.5a8 8 0 0 1 0 11"/>`,
	"out-of":  `<path d="M13 4h5a2 2 0 0 1 2 2v12a2 2 0 0 1-2 2h-5M4 12h11M11 8l4 4-4 4"/>`,
	"ok":      `<circle cx="12" cy="12" r="8"/><path d="m8.5 12.3 2.4 2.4 4.6-5.2"/>`,
	"warn":    `<path d="M12 4.5 21 19.5H3z"/><path d="M12 10.5v4M12 17h.01"/>`,
	"bad":     `<path d="M8.7 4h6.6L20 8.7v6.6L15.3 20H8.7L4 15.3V8.7z"/><path d="M12 8v4.7M12 16h.01"/>`,
	"info":    `<circle cx="12" cy="12" r="8"/><path d="M12 11v5M12 8h.01"/>`,
	"back":    `<path d="M19 12H5M11 6l-6 6 6 6"/>`,
	"edit":    `<path d="M5 19l.8-4L16 4.8a1.7 1.7 0 0 1 2.4 0l.8.800a1.7 1.7 0 0 1 0 2.4L9 18.2z"/><path d="m14.5 6.5 3 3"/>`,
	"bin":     `<path d="M5 7h14M10 4h4M7 7l.8 12a1 1 0 0 0 1 1h6.4a1 1 0 0 0 1-1L17 7M10.5 11v5M13.5 11v5"/>`,
	"key":     `<circle cx="8" cy="15" r="4"/><path d="m11 12 8-8M16 7l2.5 2.5"/>`,
	"lock":    `<rect x="5" y="11" width="14" height="9" rx="2"/><path d="M8 11V8a4 4 0 0 1 8 0v3"/>`,
	"bell":    `<path d="M6 16.5c1.3-1.3 1.5-2.7 1.5-5.5a4.5 4.5 0 0 1 9 0c0 2.8.200 4.2 1.5 5.5zM10 19.5a2.2 2.2 0 0 0 4 0"/>`,
	"down":    `<path d="M12 4v11M7 10.5l5 5 5-5M5 20h14"/>`,
	"up":      `<path d="M12 16V5M7 9.5l5-5 5 5M5 20h14"/>`,
	"think":   `<path d="M9 18h6M10 21h4M8.5 15a6.5 6.5 0 1 1 7 0c-.6.500-.8 1-.8 1.8h-5.4c0-.8-.2-1.3-.8-1.8z"/>`,
	"talk":    `<path d="M4 6.5A1.5 1.5 0 0 1 5.5 5h13A1.5 1.5 0 0 1 20 6.5v9a1.5 1.5 0 0 1-1.5 1.5H11l-4.5 3.5V17h-1A1.5 1.5 0 0 1 4 15.5z"/>`,
	"end":     `<path d="M3.5 14.5C8 9.8 16 9.8 20.5 14.5l-2.2 2.3-3.3-1.6v-2.4c-2-.6-4-.6-6 0v2.4l-3.3 1.6z"/>`,
	"pause":   `<path d="M9 6v12M15 6v12"/>`,
	"play":    `<path d="M8 5.5v13l10.5-6.5z"/>`,
	"list":    `<path d="M9 6.5h11M9 12h11M9 17.5h11M4.5 6.5h.01M4.5 12h.01M4.5 17.5h.01"/>`,
	"pin":     `<path d="M12 21c4.2-4.5 6.5-7.8 6.5-11a6.5 6.5 0 1 0-13 0c0 3.2 2.3 6.5 6.5 11z"/><circle cx="12" cy="10" r="2.3"/>`,
	"chart":   `<path d="M4 20V10h4v10M10 20V4h4v16M16 20v-7h4v7"/>`,
	"hash":    `<path d="M9.5 4 8 20M16 4l-1.5 16M4.5 9h16M3.5 15h16"/>`,
	"shield":  `<path d="M12 3.5 19 6v6c0 4-2.8 7-7 8.5C7.8 19 5 16 5 12V6z"/><path d="m9 12 2.2 2.2L15.2 10"/>`,
	"user":    `<circle cx="12" cy="12" r="8"/><circle cx="12" cy="10" r="2.5"/><path d="M7.5 18c.6-2.2 2.2-3.3 4.5-3.3s3.9 1.1 4.5 3.3"/>`,
}

// icon draws one icon; it says nothing by itself (aria-hidden), a word stands
// beside it always.
func icon(name string) template.HTML {
	d, ok := icons[name]
	if !ok {
		d = icons["info"]
	}
	return template.HTML(`<svg class="icon" viewBox="0 0 24 24" aria-hidden="true">` + d + `</svg>`)
}

// mark is the box's mark for the brand line.
const mark template.HTML = `<svg viewBox="0 0 32 32" aria-hidden="true"><rect width="32" height="32" rx="9" fill="#0a665e"/><path d="M8.5 18.5a7.5 7.5 0 0 1 15 0" fill="none" stroke="#fff" stroke-width="2.6" stroke-linecap="round"/><circle cx="9" cy="21.5" r="2.6" fill="#fff"/><circle cx="23" cy="21.5" r="2.6" fill="#fff"/><circle cx="16" cy="21.5" r="2.2" fill="#7ff0d6"/></svg>`
