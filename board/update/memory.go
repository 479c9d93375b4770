package update

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"centralino/internal/store"
)

// Memory keeps the State over power cuts: Save returns once it is on disk, and leaves
// the old or the new one.
type Memory interface {
	Load() (State, error)
	Save(State) error
}

// FileMemory keeps it in a file of the data partition.
type FileMemory struct{ Path string }

// Load reads the state; the zero State where there is no file yet. A file that cannot
// be read as one is an error with the zero State: a box without memory works.
func (f FileMemory) Load() (State, error) {
	b, err := os.ReadFile(f.Path)
	if errors.Is(err, fs.ErrNotExist) {
		return State{}, nil
	}
	var s State
	if err == nil {
		err = json.Unmarshal(b, &s)
	}
	if err != nil {
		return State{}, fmt.Errorf("read state of the slots: %w", err)
	}
	return s, nil
}

// Save writes the state.
func (f FileMemory) Save(s State) error {
	b, err := json.Marshal(s)
	if err == nil {
		err = os.MkdirAll(filepath.Dir(f.Path), 0o700)
	}
	if err == nil {
		err = store.WriteFile(f.Path, b)
	}
	if err != nil {
		return fmt.Errorf("write state of the slots: %w", err)
	}
	return nil
}
