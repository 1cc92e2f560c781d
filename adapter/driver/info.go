package driver

import "example.com/midplane/adapter/tensor"

// Class is what kind of hardware a device is.
type Class string

// The classes of hardware.
const (
	CPU         Class = "cpu"
	GPU         Class = "gpu"
	NPU         Class = "npu"
	FPGA        Class = "fpga"
	Accelerator Class = "accelerator"
)

// Info describes a device. Zero values are unknown.
type Info struct {
	Index       int
	Class       Class
	Description string
	Vendor      string
	Version     string // of the driver or the runtime below it
	UUID        string // the same wherever and however the hardware is found
	Bus         string // where it is plugged in: "0000:3b:00.0"
	Arch        string // the vendor's name of the instruction set or generation
	Units       int    // compute units: cores, multiprocessors, tiles
	Memory      int64  // bytes in all
	Caps        Caps
	DTypes      []tensor.DType // element types with arithmetic of their own
	Rates       Rates
	Unusable    string            // why the device cannot be opened, "" if it can
	Cause       Cause             // the same for programs
	Remedy      string            // what to do about that
	Properties  map[string]string // anything else worth knowing
}

// Rates are what the maker declares a device to reach, to be held against what
// is measured. Zero is undeclared.
type Rates struct {
	Peak     []Peak  // arithmetic
	Memory   float64 // bytes per second between units and device memory
	HostIn   float64 // bytes per second from host to device
	HostOut  float64 // bytes per second from device to host
	LaunchNS float64 // nanoseconds from launching an empty kernel to its end
}

// Peak is a declared rate of arithmetic: operations per second, of which a
// multiplication with an addition counts as two.
type Peak struct {
	DType tensor.DType
	Ops   float64
}

// Cause says why a device cannot be used.
type Cause uint8

// The causes. CauseNone goes with a usable device, or with a driver that gives
// the text alone.
const (
	CauseNone       Cause = iota
	CauseDriver           // the system's driver is missing or does not answer
	CauseVersion          // a driver, firmware or library of the wrong version
	CauseLibrary          // a library is missing
	CausePermission       // this user may not open it
	CauseBusy             // someone else has it
	CauseArch             // hardware of a kind that the driver does not know
	CauseBroken           // the hardware reports a defect
	CauseRemoved          // it was there and has gone
)

var causeNames = [...]string{"", "driver", "version", "library", "permission", "busy", "architecture", "broken", "removed"}

// String returns the cause in a word.
func (c Cause) String() string { return nameOf(causeNames[:], "cause", c) }
