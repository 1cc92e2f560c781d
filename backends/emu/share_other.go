//go:build !linux

package emu

import (
	"errors"

	"example.com/midplane/adapter/driver"
)

// sharing are the capabilities that shared pages give: none here.
const sharing = driver.Caps(0)

// noFile says that there is no descriptor.
const noFile = -1

func mapShared(int) ([]byte, int, error) {
	return nil, noFile, errors.New("this system shares no pages")
}

func closeFile(int) error { return nil }
