package device

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"example.com/midplane/adapter"
	"example.com/midplane/adapter/driver"
)

func discoveryCells() []Cell {
	return []Cell{
		works("Driver.Name", func(p *probe) {
			name := p.target.Driver.Name()
			p.expect(name != "" && strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789") == "", "%q; a name is of lower-case letters and digits", name)
			p.expect(p.target.Driver.Name() == name, "asked twice, it is %q and %q", name, p.target.Driver.Name())
		}),
		works("Driver.Probe", probeWorks),
		works("Driver.Open", openWorks),
		refuses("Driver.Open", openRefuses),
		cell("Driver.Open", "limits", func(p *probe) {
			const limit = 1 << 20
			d, err := adapter.Open(p.ctx, p.name(), &adapter.Options{MemoryLimit: limit})
			p.must(err, "opening the device with a limit of memory")
			p.others = append(p.others, d)
			_, err = d.Alloc(2*limit, driver.DeviceMemory)
			p.refused(err, driver.OutOfMemory, "%d bytes under a limit of %d", 2*limit, limit)
			_, err = d.Alloc(limit/4, driver.DeviceMemory)
			p.must(err, "%d bytes under a limit of %d", limit/4, limit)
		}),
		works("Versioner.InterfaceVersion", func(p *probe) {
			v := p.target.Driver.(driver.Versioner).InterfaceVersion()
			_, err := driver.Negotiate(driver.Interface, v)
			p.must(err, "version %v", v)
			p.expect(p.target.Driver.(driver.Versioner).InterfaceVersion() == v, "asked twice, the versions differ")
		}),
		works("DriverWatcher.WatchDevices", watchDevicesWorks),
		refuses("Unloader.Unload", func(p *probe) {
			d, err := adapter.Open(p.ctx, p.name(), nil)
			p.must(err, "opening the device by name")
			p.others = append(p.others, d)
			p.refused(adapter.Unregister(p.ctx, p.target.Driver.Name()), driver.Unavailable, "unloading a driver of which a device is open")
			p.uploadTo(d, pattern(64, 1))
		}),
	}
}

// name is what the device is opened by.
func (p *probe) name() string {
	return fmt.Sprintf("%s:%d", p.target.Driver.Name(), p.drv.Info().Index)
}

func probeWorks(p *probe) {
	infos, err := p.target.Driver.Probe(p.ctx)
	p.must(err, "looking for devices")
	var indexes []int
	for _, info := range infos {
		p.expect(!slices.Contains(indexes, info.Index), "two devices have the index %d", info.Index)
		p.expect(info.Unusable != "" || info.Remedy == "" && info.Cause == driver.CauseNone, "device %d is usable and says what is wrong with it", info.Index)
		indexes = append(indexes, info.Index)
	}
	own := p.drv.Info().Index
	at := slices.Index(indexes, own)
	p.expect(at >= 0, "the list has the devices %v, and not %d, which is open", indexes, own)
	p.expect(infos[at].Unusable == "", "the device is open, and the list has it as unusable: %s", infos[at].Unusable)
	p.expect(infos[at].Class == p.drv.Info().Class, "a %s in the list, a %s when it is open", infos[at].Class, p.drv.Info().Class)
	again, err := p.target.Driver.Probe(p.ctx)
	p.must(err, "looking for devices again")
	p.expect(len(again) == len(infos), "%d devices, and %d when asked again", len(infos), len(again))
}

func openWorks(p *probe) {
	var devices []*adapter.Device
	for range 2 {
		drv, err := p.target.Driver.Open(p.ctx, p.drv.Info().Index, &driver.Options{})
		p.must(err, "opening the device")
		d := adapter.New("device opened by its driver", drv)
		p.others = append(p.others, d)
		devices = append(devices, d)
	}
	want := pattern(100, 1)
	b := p.uploadTo(devices[1], want)
	p.must(devices[0].Close(), "closing one of two handles of the device")
	p.same(p.bytes(b), want, "memory of the other handle")
}

func openRefuses(p *probe) {
	base := p.target.Driver.Name()
	for _, name := range []string{base + ":99999", base + ":-1", base + ":x", base + ":99999999999999999999"} {
		_, err := adapter.Open(p.ctx, name, nil)
		p.refused(err, driver.NotFound, "opening %q", name)
	}
	for _, o := range []adapter.Options{{Threads: -1}, {MemoryLimit: -1}} {
		_, err := adapter.Open(p.ctx, p.name(), &o)
		p.refused(err, driver.InvalidArgument, "opening with %+v", o)
	}
	_, err := adapter.Open(canceled(), p.name(), nil)
	p.refused(err, driver.Canceled, "opening under a context that has ended")
}

func watchDevicesWorks(p *probe) {
	ctx, cancel := context.WithCancel(p.ctx)
	defer cancel()
	seen, ended := make(chan driver.HealthEvent, 1000), make(chan error, 1)
	go func() {
		ended <- p.target.Driver.(driver.DriverWatcher).WatchDevices(ctx, func(e driver.HealthEvent) {
			select {
			case seen <- e:
			default:
			}
		})
	}()
	const soon = 5 * time.Second
	for deadline := time.After(soon); ; {
		select {
		case e := <-seen:
			if e.Kind != driver.HealthAdded || e.Index != p.drv.Info().Index {
				continue
			}
		case err := <-ended:
			p.wrong("it ended before its context: %v", err)
		case <-deadline:
			p.wrong("the device was not reported within %v", soon)
		}
		break
	}
	cancel()
	select {
	case err := <-ended:
		p.expect(err == nil || errors.Is(err, driver.Canceled), "it ended with its context, and an error: %v", err)
	case <-time.After(soon):
		p.wrong("it did not end within %v of its context", soon)
	}
}
