package api_test

import (
	"encoding/json"
	"testing"
	"time"

	"centralino/ui/api"
)

type inner struct {
	List []string       `json:"list"`
	Map  map[string]int `json:"map"`
}

func TestWholeHasNoNullForLists(t *testing.T) {
	at := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	in := struct {
		Days  [2][]int         `json:"days"`
		Inner *inner           `json:"inner"`
		None  *inner           `json:"none,omitempty"`
		Maps  map[string]inner `json:"maps"`
		Raw   []byte           `json:"raw"`
		At    time.Time        `json:"at"`
		Omit  []int            `json:"omit,omitempty"`
	}{Inner: &inner{}, Maps: map[string]inner{"a": {}}, At: at}
	b, err := json.Marshal(api.Whole(in))
	if err != nil {
		t.Fatal(err)
	}
	if want := `{"days":[[],[]],"inner":{"list":[],"map":{}},"maps":{"a":{"list":[],"map":{}}},"raw":"","at":"2026-03-02T09:00:00Z"}`; string(b) != want {
		t.Errorf("%s, want %s", b, want)
	}
	if in.Inner.List != nil || in.Maps["a"].Map != nil || in.Days[0] != nil {
		t.Error("what was given has changed")
	}
	if api.Whole(nil) != nil {
		t.Error("nothing became something")
	}
}
