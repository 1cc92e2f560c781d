package emu

import (
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"example.com/midplane/adapter/driver"
)

// Devices is the environment variable that adds emulated devices to the driver,
// from "emu:2" on: a list of classes, each with how many and how much memory if
// not one of 1 GiB. For example "gpu*2:8G,fpga,npu:512M". They run every
// operator.
//
// Faults is the one that says what goes wrong on every device that the driver
// opens; see [ParseFaults].
const (
	Devices = "MIDPLANE_EMU"
	Faults  = "MIDPLANE_EMU_FAULTS"
)

// socket is where one device of the driver is plugged in.
type socket struct {
	description string
	options     Options

	mu        sync.Mutex
	unplugged string // why it is empty, "" if it is not
	opened    map[*Device]struct{}
}

// board is what the driver holds beyond its devices: the sockets, nil until they
// are first asked for.
var board struct {
	sync.Mutex
	sockets []*socket
}

// sockets returns the driver's, as the environment said when it was first asked.
func sockets() ([]*socket, error) {
	board.Lock()
	defer board.Unlock()
	if board.sockets != nil {
		return board.sockets, nil
	}
	all, err := newSockets()
	if err == nil {
		board.sockets = all
	}
	return all, err
}

// Unload implements driver.Unloader. A driver that is used again looks at the
// environment anew, and finds everything plugged in.
func (Driver) Unload(context.Context) error {
	board.Lock()
	defer board.Unlock()
	for i, s := range board.sockets {
		s.mu.Lock()
		open := len(s.opened)
		s.mu.Unlock()
		if open > 0 {
			return driver.Errorf(driver.Unavailable, "Unload", "device %d is opened %d times", i, open)
		}
	}
	board.sockets = nil
	return nil
}

func newSockets() ([]*socket, error) {
	faults, err := ParseFaults(os.Getenv(Faults))
	if err != nil {
		return nil, driver.Errorf(driver.InvalidArgument, "Probe", "%s: %v", Faults, err)
	}
	all := []*socket{
		{description: "emulated accelerator with every operator", options: Options{Memory: 16 << 30}},
		{description: "emulated accelerator with dense operators only", options: Options{Memory: 1 << 30, Operators: Dense()}},
	}
	more, err := parseDevices(os.Getenv(Devices))
	if err != nil {
		return nil, driver.Errorf(driver.InvalidArgument, "Probe", "%s: %v", Devices, err)
	}
	for _, o := range more {
		all = append(all, &socket{description: "emulated " + string(o.Class) + " with every operator", options: o})
	}
	for _, s := range all {
		s.options.Faults = faults
		if s.options.Class == "" {
			s.options.Class = driver.Accelerator
		}
	}
	return all, nil
}

// parseDevices reads the variable Devices.
func parseDevices(list string) ([]Options, error) {
	const most = 64
	var devices []Options
	for _, item := range strings.Split(list, ",") {
		if item = strings.TrimSpace(item); item == "" {
			continue
		}
		what, size, sized := strings.Cut(item, ":")
		class, number, several := strings.Cut(what, "*")
		o, count := Options{Class: driver.Class(class), Memory: defaultMemory}, 1
		var err error
		if sized {
			o.Memory, err = parseBytes(size)
		}
		if several && err == nil {
			count, err = strconv.Atoi(number)
		}
		switch o.Class {
		case driver.CPU, driver.GPU, driver.NPU, driver.FPGA, driver.Accelerator:
		default:
			return nil, fmt.Errorf("%q: the classes are cpu, gpu, npu, fpga and accelerator", item)
		}
		if err != nil || count < 1 || len(devices)+count > most {
			return nil, fmt.Errorf("%q: want class*count:memory, as in gpu*2:8G, of at most %d devices", item, most)
		}
		for range count {
			devices = append(devices, o)
		}
	}
	return devices, nil
}

// parseBytes reads a size: digits with K, M or G for powers of 1024.
func parseBytes(s string) (int64, error) {
	shift := 0
	for unit, bits := range map[string]int{"K": 10, "M": 20, "G": 30} {
		if digits, ok := strings.CutSuffix(s, unit); ok {
			s, shift = digits, bits
		}
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err == nil && (n < 1 || n > 1<<62>>shift) {
		err = fmt.Errorf("%s is out of range", s)
	}
	return n << shift, err
}

// info describes what is plugged in, or was.
func (s *socket) info(index int) driver.Info {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := s.options.info()
	i.Index, i.Description, i.UUID = index, s.description, uuid(index)
	if s.unplugged != "" {
		i.Unusable, i.Cause, i.Remedy = s.unplugged, driver.CauseRemoved, "plug it in: emu.Plug"
	}
	return i
}

// uuid names the device of a socket, the same in every process.
func uuid(index int) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "midplane emu %d", index))
	return fmt.Sprintf("%x-%x-%x-%x-%x", sum[:4], sum[4:6], sum[6:8], sum[8:10], sum[10:16])
}

// insert notes an opened device.
func (s *socket) insert(d *Device) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.unplugged != "" {
		return driver.Errorf(driver.Unavailable, "Open", "%s", s.unplugged)
	}
	if s.opened == nil {
		s.opened = make(map[*Device]struct{})
	}
	s.opened[d] = struct{}{}
	d.socket = s
	return nil
}

func (s *socket) remove(d *Device) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.opened, d)
}

// Unplug takes a device of the driver out: what was opened of it is lost, and it
// cannot be opened until it is plugged in again. The text says why.
func Unplug(index int, why string) error {
	s, err := socketAt("Unplug", index)
	if err != nil {
		return err
	}
	s.mu.Lock()
	if s.unplugged != "" {
		s.mu.Unlock()
		return driver.Errorf(driver.InvalidArgument, "Unplug", "device %d is unplugged already", index)
	}
	s.unplugged = "unplugged: " + why
	opened := make([]*Device, 0, len(s.opened))
	for d := range s.opened {
		opened = append(opened, d)
	}
	s.mu.Unlock()
	for _, d := range opened {
		d.Lose(why)
	}
	changes.tell(driver.HealthEvent{Kind: driver.HealthRemoved, Index: index, Time: time.Now(), Text: why})
	return nil
}

// Plug puts it in again.
func Plug(index int) error {
	s, err := socketAt("Plug", index)
	if err != nil {
		return err
	}
	s.mu.Lock()
	out := s.unplugged != ""
	s.unplugged = ""
	s.mu.Unlock()
	if !out {
		return driver.Errorf(driver.InvalidArgument, "Plug", "device %d is plugged in", index)
	}
	changes.tell(driver.HealthEvent{Kind: driver.HealthAdded, Index: index, Time: time.Now()})
	return nil
}

func socketAt(op string, index int) (*socket, error) {
	all, err := sockets()
	if err == nil && (index < 0 || index >= len(all)) {
		err = driver.Errorf(driver.NotFound, op, "device %d of %d", index, len(all))
	}
	if err != nil {
		return nil, err
	}
	return all[index], nil
}

// changes are those who watch the driver's devices.
var changes watchers

// WatchDevices implements driver.DriverWatcher.
func (Driver) WatchDevices(ctx context.Context, report func(driver.HealthEvent)) error {
	all, err := sockets()
	if err != nil {
		return err
	}
	changes.watch(ctx, nil, func() []driver.HealthEvent {
		var now []driver.HealthEvent
		for i, s := range all {
			if info := s.info(i); info.Unusable == "" {
				now = append(now, driver.HealthEvent{Kind: driver.HealthAdded, Index: i, Time: time.Now(), Text: s.description})
			}
		}
		return now
	}, report)
	return nil
}
