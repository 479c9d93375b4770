//go:build !linux

package main

import "centralino/internal/service"

// firstProcess does nothing: only Linux starts the image.
func firstProcess() {}

func onBoard() bool { return false }

func (b *box) firstProcessParts() []service.Part { return nil }
