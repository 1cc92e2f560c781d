package result

import (
	"fmt"
	"slices"
	"strconv"
)

// Properties under which a device's Info declares what it can reach at most, in
// 10⁹ operations and in 10⁹ bytes a second. Results that would take more are
// flagged.
const (
	PeakOperationsProperty = "peak_gflops"
	PeakBytesProperty      = "peak_gbytes_per_second"
)

const (
	long  = 5e-3 // seconds from which on a trial is more than its overhead
	most  = 0.8  // of the time of a device, what the host's processor may do
	fewer = 20   // trials from which on that means something
	large = 1024 // bytes that no operand kept on the host has
)

// Flags says what of the results hints at help that the suite cannot see, or at
// a device that is not what it says. A flag proves nothing; it is for a reader to
// look into. docs/trust.md says what cannot be seen.
func Flags(results []Result, m *Manifest) []string {
	f := &flags{m: m, operations: peak(m, PeakOperationsProperty), bytes: peak(m, PeakBytesProperty)}
	for _, r := range results {
		if r.Outcome == Pass || r.Outcome == PassDecomposed {
			f.add(r)
		}
	}
	return f.list()
}

func peak(m *Manifest, property string) float64 {
	v, err := strconv.ParseFloat(m.Device.Properties[property], 64)
	if err != nil || v <= 0 {
		return 0
	}
	return v * 1e9
}

// flags counts what is conspicuous.
type flags struct {
	m                 *Manifest
	operations, bytes float64 // a second at most; 0: not declared

	trials            int // long ones
	seconds, cpu      float64
	unread            []string // results of which nothing was copied from the device
	unwritten         []string // operands of which nothing was copied to it
	tooFast, tooBroad []string
}

func (f *flags) add(r Result) {
	if f.apart() {
		if r.Seconds >= long {
			f.trials++
			f.seconds += r.Seconds
			f.cpu += r.CPU
		}
		if r.OutputBytes > 0 && r.BytesOut == 0 {
			f.unread = append(f.unread, r.ID)
		}
		if r.InputBytes >= large && r.BytesIn == 0 {
			f.unwritten = append(f.unwritten, r.ID)
		}
	}
	if f.operations > 0 && r.Operations > f.operations*r.Seconds {
		f.tooFast = append(f.tooFast, r.ID)
	}
	if f.bytes > 0 && float64(r.InputBytes+r.OutputBytes) > f.bytes*r.Seconds {
		f.tooBroad = append(f.tooBroad, r.ID)
	}
}

// apart reports whether the device says that it is no processor, and has no
// memory that the host can see.
func (f *flags) apart() bool {
	d := f.m.Device
	return d.Class != "cpu" && !slices.Contains(d.Caps, "HostMapper") && !slices.Contains(d.Caps, "HostImporter")
}

func (f *flags) list() []string {
	var list []string
	flag := func(cases []string, format string, args ...any) {
		if len(cases) > 0 {
			list = append(list, fmt.Sprintf("%d cells, %s the first: ", len(cases), cases[0])+fmt.Sprintf(format, args...))
		}
	}
	if f.m.Isolated && f.trials >= fewer && f.cpu > most*f.seconds {
		list = append(list, fmt.Sprintf("the host's processor was busy for %.0f %% of the time of the %d longest trials, on a device of class %q", 100*f.cpu/f.seconds, f.trials, f.m.Device.Class))
	}
	flag(f.unread, "there are results, and not one byte was copied from the device")
	flag(f.unwritten, "there are operands, and not one byte was copied to the device")
	flag(f.tooFast, "more operations a second than the %s declared %s", PeakOperationsProperty, f.m.Device.Properties[PeakOperationsProperty])
	flag(f.tooBroad, "more bytes a second than the %s declared %s", PeakBytesProperty, f.m.Device.Properties[PeakBytesProperty])
	return list
}
