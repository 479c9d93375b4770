package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// beforePutBack begins the names of folders with databases that a copy replaced.
const beforePutBack = "newer-"

// PutBack puts a local copy in the place of the database, which nobody may have open,
// and moves that one into a folder of the data folder, which it returns. It is for the
// one case in which Open answers ErrNewer because a newer version of the program was
// taken back. It may be cut off anywhere: the database stays the newer one until the
// copy stands in its place.
func PutBack(ctx context.Context, o Options, name string) (aside string, err error) {
	if o, err = o.check(); err != nil {
		return "", err
	}
	db := &DB{o: o, path: filepath.Join(o.Folder, fileName)}
	if aside, err = db.putBack(ctx, name); err != nil {
		return "", fmt.Errorf("put back copy %s: %w", name, Classify(err))
	}
	return aside, nil
}

func (db *DB) putBack(ctx context.Context, name string) (aside string, err error) {
	if copyTime(name).IsZero() {
		return "", errors.New("not the name of a copy")
	}
	path := filepath.Join(db.copiesFolder(), name)
	if _, err := os.Stat(path); err != nil {
		return "", err // SQLite would make an empty one
	}
	if err := checkFile(ctx, path); err != nil {
		return "", err
	}
	if err := db.fault("ready copy"); err != nil {
		return "", err
	}
	if err := copyFile(path, db.path+newSuffix); err != nil {
		return "", err
	}
	if aside, err = db.moveAside(beforePutBack, os.Link); err != nil {
		return "", err
	}
	if err := db.fault("take copy"); err != nil {
		return "", err
	}
	if err := os.Rename(db.path+newSuffix, db.path); err != nil {
		return "", err
	}
	return aside, syncDir(db.o.Folder)
}
