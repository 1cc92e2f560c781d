package command_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/midplane/adapter/pool/indicator"
	"example.com/midplane/cmd/midplane/command"
	"example.com/midplane/conformance/measure"
)

func TestDevices(t *testing.T) {
	out := good(t, "devices")
	assert.Regexp(t, `(?m)^DEVICE +CLASS +USABLE +DESCRIPTION +CAPABILITIES$`, out)
	assert.Regexp(t, `(?m)^cpu:0 +cpu +yes +\S.*Copier`, out)
	assert.Regexp(t, `(?m)^emu:1 +accelerator +yes +emulated accelerator with dense operators only +Streamer`, out)
	assert.NotContains(t, out, "left out")
}

func TestDevicesTellWhatWasLeftOut(t *testing.T) {
	command.LeftOut = []string{"fpga", "tpu"}
	defer func() { command.LeftOut = nil }()
	assert.Regexp(t, `(?m)^left out of this build: fpga, tpu$`, good(t, "devices"))
}

func TestDevicesJSON(t *testing.T) {
	type device struct {
		Name, Class, Description, Vendor, Version, UUID, Bus, Arch string
		Units                                                      int
		Memory                                                     int64 `json:"memory_bytes"`
		DTypes, Capabilities                                       []string
		Usable                                                     bool
		Reason, Cause, Remedy                                      string
		Properties                                                 map[string]string
	}
	byName := make(map[string]device)
	for _, d := range decoded[[]device](t, "devices") {
		byName[d.Name] = d
	}
	for _, name := range []string{"cpu:0", "emu:0", "emu:1"} {
		require.Contains(t, byName, name)
		assert.True(t, byName[name].Usable)
		assert.Empty(t, byName[name].Reason)
		assert.NotEmpty(t, byName[name].Description)
		assert.Positive(t, byName[name].Memory)
		assert.Positive(t, byName[name].Units)
		assert.NotEmpty(t, byName[name].Arch)
		assert.Contains(t, byName[name].DTypes, "float32")
	}
	assert.Equal(t, "cpu", byName["cpu:0"].Class)
	assert.Contains(t, byName["emu:0"].Capabilities, "AsyncCopier")
}

func TestOps(t *testing.T) {
	out := good(t, "ops", "--device", "emu:1")
	assert.Regexp(t, `(?m)^OPERATOR +VERSIONS +ROUTES`, out)
	assert.Regexp(t, `(?m)^Relu +1,6,13,14 +.*kernel: .*float32`, out)
	assert.Regexp(t, `(?m)^ai\.onnx\.ml\.Scaler `, out)
}

func TestOpsJSON(t *testing.T) {
	type operator struct {
		Domain, Operator string
		Versions         []int
		Device           string
		Routes           map[string]string
		Kernel           string
	}
	routes := make(map[string]map[string]string)
	for _, o := range decoded[[]operator](t, "ops") {
		routes[o.Domain+"."+o.Operator] = o.Routes
		assert.NotEmpty(t, o.Versions, o.Operator)
	}
	assert.Greater(t, len(routes), 180)
	assert.Equal(t, "kernel", routes[".Add"]["float32"])
	assert.NotContains(t, routes[".Conv"], "string")
	assert.Equal(t, "host", routes[".StringConcat"]["string"])
	assert.Equal(t, "control", routes[".If"]["bool"])
	devices := make(map[string]string)
	for _, o := range decoded[[]operator](t, "ops", "--device", "emu:1", "--device", "emu:0") {
		if o.Operator == "HardSwish" || o.Operator == "Celu" || o.Operator == "CastLike" {
			devices[o.Device+" "+o.Operator] = o.Routes["float32"]
		}
	}
	assert.Equal(t, map[string]string{
		"emu:0 HardSwish": "kernel", "emu:0 Celu": "kernel", "emu:0 CastLike": "kernel",
		"emu:1 HardSwish": "missing", "emu:1 Celu": "missing", "emu:1 CastLike": "missing",
	}, devices)
}

func TestOpsMarkdown(t *testing.T) {
	page := good(t, "ops", "--markdown", "--device", "emu:1")
	assert.Contains(t, page, "| operator | versions | types | emu:1 |")
	assert.Contains(t, page, "\n| Relu | 1, 6, 13, 14 | float64; 13: bfloat16; 14: int16 int32 int64 int8 | – |\n|  |  | float32 float16 | **kernel** |\n")
	assert.Contains(t, page, "\n## ai.onnx.ml\n")
}

func TestDevicesAreMeasured(t *testing.T) {
	if testing.Short() {
		t.Skip("takes ten seconds")
	}
	type figures struct {
		Device, Description string
		measure.Figures
	}
	list := decoded[[]figures](t, "devices", "--measure", "--device", "emu:1")
	require.Len(t, list, 1)
	assert.Equal(t, "emu:1", list[0].Device)
	assert.EqualValues(t, 1<<30, list[0].Memory.Declared)
	assert.Positive(t, list[0].Memory.Measured)
	assert.Positive(t, list[0].HostIn.Measured)
	assert.Equal(t, "float32", list[0].Peak[0].DType)
}

func TestMeasuringTakesADevice(t *testing.T) {
	assert.Equal(t, 2, midplane("devices", "--measure", "--device", "nothing:0").status)
	assert.Equal(t, 2, midplane("devices", "--device", "cpu").status)
}

func TestDevicesIndicators(t *testing.T) {
	out := good(t, "devices", "--indicators=memory-accuracy,fairness", "--device", "emu:1")
	assert.Regexp(t, `(?m)^INDICATOR +VALUE +UNIT +BOUND +NOTE$`, out)
	assert.Regexp(t, `(?m)^memory-accuracy +0 +steps +≤ 1 `, out)
	assert.Regexp(t, `(?m)^fairness +0\.9\d+ +index +≥ 0\.9 `, out)
	list := decoded[[]indicator.Report](t, "devices", "--indicators=instances", "--device", "emu:1")
	require.Len(t, list, 1)
	assert.Equal(t, "emu:1", list[0].Device)
	require.Len(t, list[0].Readings, 1)
	assert.EqualValues(t, 64, *list[0].Readings[0].Value)
	assert.True(t, list[0].Readings[0].Passed)
	for _, wrong := range [][]string{
		{"devices", "--indicators=beauty"}, {"devices", "--indicators", "--measure"}, {"devices", "--indicators", "--device", "nothing"}, {"devices", "--device", "cpu"},
	} {
		assert.Equal(t, 2, midplane(wrong...).status, wrong)
	}
}
