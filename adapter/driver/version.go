package driver

import (
	"context"
	"fmt"
)

// Version is a version of the device interface. A minor version adds functions,
// at the end, and changes nothing; anything else makes a new major version.
type Version struct{ Major, Minor int }

// Interface is the version of this package. Version 1.0 had the required
// functions and the capabilities up to CapSizer.
var Interface = Version{1, 1}

// String returns for example "1.1".
func (v Version) String() string { return fmt.Sprintf("%d.%d", v.Major, v.Minor) }

// AtLeast reports whether everything of w is in v.
func (v Version) AtLeast(w Version) bool { return v.Major == w.Major && v.Minor >= w.Minor }

// Negotiate returns the version that a program and a driver have in common. It
// fails with [Incompatible] where there is none.
func Negotiate(program, driver Version) (Version, error) {
	if program.Major != driver.Major || driver.Major < 1 || driver.Minor < 0 {
		return Version{}, &Error{Code: Incompatible, Op: "Negotiate", Text: fmt.Sprintf(
			"the driver was made for version %v of the device interface, the program for %v; the major versions must be equal", driver, program)}
	}
	return Version{program.Major, min(program.Minor, driver.Minor)}, nil
}

// Versioner is implemented by a [Driver] that was made for a certain version of
// the device interface.
//
// Absent: the driver was compiled with this package, and has its version.
type Versioner interface {
	InterfaceVersion() Version
}

// Unloader is implemented by a [Driver] that holds something beyond its devices:
// a library, a process.
//
// Absent: there is nothing to give back.
type Unloader interface {
	// Unload gives it back. No device of the driver is open, and none is opened
	// afterwards.
	Unload(ctx context.Context) error
}
