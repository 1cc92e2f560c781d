package device

import (
	"strings"

	"example.com/midplane/adapter/driver"
	"example.com/midplane/adapter/driver/spec"
	"example.com/midplane/conformance/result"
)

// there says of each capability whether a device implements its interface,
// declared or not.
var there = map[string]func(driver.Device) bool{
	"Streamer": is[driver.Streamer], "AsyncCopier": is[driver.AsyncCopier], "Copier": is[driver.Copier], "Statter": is[driver.Statter],
	"HostMapper": is[driver.HostMapper], "HostImporter": is[driver.HostImporter], "Sizer": is[driver.Sizer],
	"MemoryDescriber": is[driver.MemoryDescriber], "SpecAllocator": is[driver.SpecAllocator], "StreamAllocator": is[driver.StreamAllocator],
	"Trimmer": is[driver.Trimmer], "Sharer": is[driver.Sharer], "RectCopier": is[driver.RectCopier], "Filler": is[driver.Filler],
	"PeerCopier": is[driver.PeerCopier], "Linker": is[driver.Linker], "Watcher": is[driver.Watcher], "Sensor": is[driver.Sensor],
	"Profiler": is[driver.Profiler], "Partitioner": is[driver.Partitioner], "PriorityStreamer": is[driver.PriorityStreamer],
	"HostCaller": is[driver.HostCaller], "Timeliner": is[driver.Timeliner], "Capturer": is[driver.Capturer],
	"Randomizer": is[driver.Randomizer], "DeterminismSetter": is[driver.DeterminismSetter], "Collective": is[driver.Collective],
}

func is[T any](d driver.Device) bool {
	_, ok := d.(T)
	return ok
}

// needed are capabilities without which the portable side has no way: calls then
// end as unsupported. A partition is had by opening the device again, which takes
// a device that was opened by name.
const needed = driver.CapSensor | driver.CapProfiler | driver.CapCapturer | driver.CapDeterminismSetter | driver.CapSharer | driver.CapPartitioner

// truthCells are one for each capability, under its first function.
func truthCells() []Cell {
	var cells []Cell
	for _, i := range spec.Capabilities() {
		cells = append(cells, Cell{Function: &i.Functions[0], Aspect: "truth", always: true, check: func(p *probe) { truth(p, i) }})
	}
	return cells
}

// truth holds what a device declares of a capability against what there is, and
// has the portable side do without.
func truth(p *probe, i *spec.Interface) {
	c := driver.Caps(1) << i.Bit
	declared, implemented := p.has(c), there[i.Name](p.drv)
	p.expect(implemented || !declared, "declares %s, and does not implement it", i.Name)
	if implemented {
		works, why := p.tryAll(i, func(caps driver.Caps) driver.Caps { return caps | c })
		p.expect(works || !declared, "declares %s, and %s", i.Name, why)
		p.expect(declared || !works, "%s is implemented and works, and is not declared", i.Name)
	}
	works, why := p.tryAll(i, func(caps driver.Caps) driver.Caps { return caps &^ c })
	switch {
	case needed.Has(c):
		p.expect(!works, "with %s taken away, its functions must be unsupported", i.Name)
	case !works:
		p.wrong("with %s taken away, the portable side fails: %s", i.Name, why)
	}
	if !declared {
		panic(verdict{result.PassHost, "not declared: " + strings.ToLower(i.Absent[:1]) + i.Absent[1:]})
	}
}

// tryAll runs the cells "works" of an interface on devices of which other
// capabilities count than those declared, and says whether all pass, or why not.
func (p *probe) tryAll(i *spec.Interface, counted func(driver.Caps) driver.Caps) (works bool, why string) {
	for _, c := range rowsOf(i) {
		if v := c.run(p.ctx, p.target, counted); !v.passed() {
			return false, c.Function.ID() + ": " + v.reason
		}
	}
	return true, ""
}

// rowsOf returns the cells "works" of an interface.
func rowsOf(i *spec.Interface) []Cell {
	var cells []Cell
	for _, group := range [][]Cell{
		memoryCells(), describedMemoryCells(), copyCells(), streamCells(), timelineCells(), captureCells(),
		randomCells(), collectiveCells(), healthCells(), partitionCells(),
	} {
		for _, c := range group {
			if c.Function.Interface == i && c.Aspect == "works" {
				cells = append(cells, c)
			}
		}
	}
	return cells
}
