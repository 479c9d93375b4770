package journal

import (
	"context"
	"database/sql"
)

// VerifyIn verifies the chain within a transaction.
func VerifyIn(tx *sql.Tx) (int, *BadRow, error) {
	read := func(_ context.Context, fn func(*sql.Tx) error) error { return fn(tx) }
	return verify(context.Background(), read, 1)
}
