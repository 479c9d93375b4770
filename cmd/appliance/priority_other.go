//go:build !linux

package main

import "errors"

// raisePriority is for boards, which run Linux.
func raisePriority() error { return errors.New("only on Linux") }
