package adapter_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/midplane/adapter"
	"example.com/midplane/adapter/driver"
)

var ctx = context.Background()

func TestRegisterRefusesMistakes(t *testing.T) {
	adapter.EmptyRegistry(t)
	adapter.Register(&fakeDriver{name: "one"})
	for name, d := range map[string]driver.Driver{
		"nil driver":       nil,
		"called twice":     &fakeDriver{name: "one"},
		`""`:               &fakeDriver{name: ""},
		`"a:b"`:            &fakeDriver{name: "a:b"},
		`"a,b"`:            &fakeDriver{name: "a,b"},
		`"a b"`:            &fakeDriver{name: "a b"},
		`"Upper"`:          &fakeDriver{name: "Upper"},
		`"plugin#1"`:       &fakeDriver{name: "plugin#1"},
		"letters and digi": &fakeDriver{name: "ä"},
	} {
		func() {
			defer func() { assert.Contains(t, fmt.Sprint(recover()), name) }()
			adapter.Register(d)
		}()
	}
	assert.Equal(t, []string{"one"}, adapter.Drivers(), "what was refused must not be listed")
}

func TestDriversAreSorted(t *testing.T) {
	adapter.EmptyRegistry(t)
	assert.Empty(t, adapter.Drivers())
	for _, name := range []string{"zeta", "alpha", "mid2"} {
		adapter.Register(&fakeDriver{name: name})
	}
	assert.Equal(t, []string{"alpha", "mid2", "zeta"}, adapter.Drivers())
}

func TestDevicesLeaveNothingOut(t *testing.T) {
	adapter.EmptyRegistry(t)
	adapter.Register(&fakeDriver{name: "broken", err: errBroken})
	adapter.Register(&fakeDriver{name: "gpu", infos: []driver.Info{
		{Index: 0, Description: "good"}, {Index: 3, Unusable: "busy"},
	}})
	found := adapter.Devices(ctx)
	require.Len(t, found, 3)
	assert.Equal(t, "broken", found[0].Name)
	assert.ErrorIs(t, found[0].Err, errBroken)
	assert.Equal(t, "gpu:0", found[1].Name)
	assert.Equal(t, "good", found[1].Info.Description)
	assert.Equal(t, "gpu:3", found[2].Name)
	assert.Equal(t, "busy", found[2].Info.Unusable)
	assert.NoError(t, found[2].Err)
}

func TestOpen(t *testing.T) {
	adapter.EmptyRegistry(t)
	f := &fakeDriver{name: "gpu", dev: &plain{}, infos: []driver.Info{{Index: 0}, {Index: 2}}}
	adapter.Register(f)

	d, err := adapter.Open(ctx, "gpu", nil)
	require.NoError(t, err)
	assert.Equal(t, "gpu:0", d.Name())
	assert.Equal(t, &driver.Options{}, f.asked, "a driver never sees nil options")

	d, err = adapter.Open(ctx, "gpu:2", &adapter.Options{Threads: 3, MemoryLimit: 4})
	require.NoError(t, err)
	assert.Equal(t, "gpu:2", d.Name())
	assert.Equal(t, &driver.Options{Threads: 3, MemoryLimit: 4}, f.asked)
}

func TestOpenFailures(t *testing.T) {
	adapter.EmptyRegistry(t)
	adapter.Register(&fakeDriver{name: "gpu", infos: []driver.Info{
		{Index: 0}, {Index: 1, Unusable: "firmware 3 is older than 5", Remedy: "update it"}, {Index: 2, Unusable: "in use"},
	}, open: errBroken})
	adapter.Register(&fakeDriver{name: "npu", err: driver.Errorf(driver.DeviceLost, "", "no answer")})

	for _, c := range []struct {
		name string
		code driver.Code
		text []string
	}{
		{"cpu", adapter.NotFound, []string{`no driver "cpu"`, "gpu, npu", `import _ "example.com/midplane/backends/cpu"`}},
		{"gpu:7", adapter.NotFound, []string{"gpu:7", `driver "gpu" has 3 devices`}},
		{"gpu:1", adapter.Unavailable, []string{"firmware 3 is older than 5", "update it"}},
		{"gpu:2", adapter.Unavailable, []string{"in use"}},
		{"gpu:0", adapter.Internal, []string{"gpu:0: Open", "the cable is broken"}},
		{"npu", adapter.DeviceLost, []string{"npu: Probe", "no answer"}},
		{"", adapter.NotFound, []string{"named after its driver"}},
		{":1", adapter.NotFound, []string{"named after its driver"}},
		{"gpu:", adapter.NotFound, []string{"named after its driver"}},
		{"gpu:-1", adapter.NotFound, []string{"named after its driver"}},
		{"gpu:x", adapter.NotFound, []string{"named after its driver"}},
	} {
		d, err := adapter.Open(ctx, c.name, nil)
		assert.Nil(t, d, c.name)
		require.ErrorIs(t, err, c.code, c.name)
		var e *adapter.Error
		require.ErrorAs(t, err, &e, c.name)
		for _, text := range c.text {
			assert.ErrorContains(t, err, text, c.name)
		}
	}
	_, err := adapter.Open(ctx, "gpu:0", nil)
	assert.ErrorIs(t, err, errBroken, "the cause stays findable")
}

func TestOpenWithoutAnyDriver(t *testing.T) {
	adapter.EmptyRegistry(t)
	_, err := adapter.Open(ctx, "gpu", nil)
	require.ErrorIs(t, err, adapter.NotFound)
	assert.ErrorContains(t, err, `import _ "example.com/midplane/backends/cpu"`)
}
