package ivr

import (
	"time"

	"centralino/internal/journal"
	"centralino/internal/office"
)

func findPath(d *office.Document, id office.ID) *office.Path {
	for i := range d.Paths {
		if d.Paths[i].ID == id {
			return &d.Paths[i]
		}
	}
	return nil
}

func findMenu(d *office.Document, id office.ID) *office.Menu {
	for i := range d.Menus {
		if d.Menus[i].ID == id {
			return &d.Menus[i]
		}
	}
	return nil
}

func findGroup(d *office.Document, id office.ID) *office.Group {
	for i := range d.Groups {
		if d.Groups[i].ID == id {
			return &d.Groups[i]
		}
	}
	return nil
}

func findSchedule(d *office.Document, id office.ID) *office.Schedule {
	for i := range d.Schedules {
		if d.Schedules[i].ID == id {
			return &d.Schedules[i]
		}
	}
	return nil
}

func findPrompt(d *office.Document, id office.ID) *office.Prompt {
	for i := range d.Prompts {
		if d.Prompts[i].ID == id {
			return &d.Prompts[i]
		}
	}
	return nil
}

func hasPerson(d *office.Document, id journal.SubjectID) bool {
	for _, p := range d.People {
		if p.ID == id {
			return true
		}
	}
	return false
}

// audioOf is the uploaded recording of a prompt in a language, or empty.
func audioOf(p *office.Prompt, lang string) string { return p.Audio[lang] }

func orTime(d, otherwise time.Duration) time.Duration {
	if d <= 0 {
		return otherwise
	}
	return d
}
