package pool_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/midplane/adapter/driver"
	"example.com/midplane/adapter/pool"
)

func TestParseRequest(t *testing.T) {
	for text, want := range map[string]pool.Request{
		"memory=1B,compute=1":                              {Memory: 1, Compute: 1},
		"kind=gpu,memory=2GiB,compute=0.25,count=2":        {Kind: driver.GPU, Memory: 2 << 30, Compute: 0.25, Count: 2},
		"memory=3KiB, compute=.5, gang=true,policy=spread": {Memory: 3 << 10, Compute: 0.5, Gang: true, Policy: pool.Spread},
		"memory=7TiB,compute=1e-3,priority=-4,restart=loss,name=resnet/50,owner=a.b": {Memory: 7 << 40, Compute: 0.001, Priority: -4,
			Restart: pool.OnLoss, Name: "resnet/50", Owner: "a.b"},
		"kind=npu,memory=5MiB,compute=1,restart=always,policy=binpack": {Kind: driver.NPU, Memory: 5 << 20, Compute: 1, Restart: pool.Always},
	} {
		got, err := pool.ParseRequest(text)
		require.NoError(t, err, text)
		assert.Equal(t, want, got, text)
		again, err := pool.ParseRequest(got.String())
		require.NoError(t, err, got.String())
		assert.Equal(t, got, again)
	}
}

func TestRequestsThatMakeNoSense(t *testing.T) {
	for text, says := range map[string]string{
		"":                                      "no field",
		"memory=1B":                             "a share of 0",
		"compute=1":                             "0 bytes of memory",
		"memory=1,compute=1":                    "",
		"memory=1B,compute=1,memory=2B":         `"memory" is there twice`,
		"memory=1B,compute=1.01":                "a share of 1.01",
		"memory=1B,compute=NaN":                 "a share of NaN",
		"memory=1B,compute=x":                   "compute=x",
		"memory=-1B,compute=1":                  "want a whole number",
		"memory=1.5GiB,compute=1":               "want a whole number",
		"memory=9000000TiB,compute=1":           "less than 2^63",
		"memory=1B,compute=1,count=-1":          "-1 instances; from 1 to 4096",
		"memory=1B,compute=1,count=4097":        "4097 instances",
		"memory=1B,compute=1,priority=101":      "priority 101 is outside [-100, 100]",
		"memory=1B,compute=1,policy=random":     "the policies are binpack and spread",
		"memory=1B,compute=1,restart=sometimes": "one can restart",
		"memory=1B,compute=1,gang=perhaps":      "gang=perhaps",
		"memory=1B,compute=1,kind=tpu":          "there are cpu, gpu, npu, fpga and accelerator",
		"memory=1B,compute=1,name=a b":          `name "a b"`,
		"memory=1B,compute=1,colour=red":        "the fields are name, owner",
	} {
		_, err := pool.ParseRequest(text)
		if says == "" {
			require.NoError(t, err, "a number alone is bytes")
			continue
		}
		require.ErrorIs(t, err, driver.InvalidArgument, text)
		assert.ErrorContains(t, err, says, text)
	}
	r := newRack(t, nil, gpus(1)...)
	for _, request := range []pool.Request{{}, {Memory: 1, Compute: math.Inf(1)}, {Memory: 1, Compute: 1, Policy: 7}, {Memory: 1, Compute: 1, Restart: 9}} {
		_, err := r.Acquire(ctx, request)
		assert.ErrorIs(t, err, driver.InvalidArgument, "%+v", request)
	}
	assert.Zero(t, r.Snapshot().Counts.Requests)
}

func FuzzParseRequest(f *testing.F) {
	for _, text := range []string{"", "memory=1B,compute=1", "kind=gpu,memory=2GiB,compute=0.25,count=2,gang=true", "memory=9223372036854775807B,compute=1e-300", "a=b=c,,="} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		r, err := pool.ParseRequest(text)
		if err != nil {
			require.ErrorIs(t, err, driver.InvalidArgument)
			return
		}
		again, err := pool.ParseRequest(r.String())
		require.NoError(t, err, r.String())
		require.Equal(t, r, again)
	})
}
