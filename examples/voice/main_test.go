package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// model returns the detector's file, or skips the test.
func model(t *testing.T) string {
	t.Helper()
	dir := os.Getenv("MIDPLANE_MODELS")
	if dir == "" {
		t.Skip("MIDPLANE_MODELS is not set: no voice was detected by silero_vad_v5")
	}
	file := filepath.Join(dir, "silero_vad_v5", "model.onnx")
	if _, err := os.Stat(file); err != nil {
		t.Skipf("the voice activity detector is not there: %v", err)
	}
	return file
}

// probabilities are the detector's for a stream of its own.
func probabilities(t *testing.T, file, device string, audio recording) []float32 {
	t.Helper()
	ctx := context.Background()
	d, err := newDetector(ctx, file, device)
	require.NoError(t, err)
	defer func() { require.NoError(t, d.close()) }()
	var list []float32
	for part := range slices.Chunk(audio[:len(audio)/chunk*chunk], chunk) {
		p, err := d.next(ctx, part)
		require.NoError(t, err)
		list = append(list, p)
	}
	return list
}

// On every device, where the state lies there or with the host.
func TestDetector(t *testing.T) {
	file := model(t)
	for _, device := range []string{"cpu", "emu"} {
		quiet := probabilities(t, file, device, silence(1))
		assert.Less(t, slices.Max(quiet), float32(0.1))
		loud := probabilities(t, file, device, voice(1))
		speech := 0
		for _, p := range loud {
			if p > 0.5 {
				speech++
			}
		}
		assert.Greater(t, speech, len(loud)*8/10, "%v", loud)
		assert.Equal(t, loud, probabilities(t, file, device, voice(1)), "a new stream begins with a new state")
	}
}

// The detector remembers: silence after speech is told from silence at the
// beginning.
func TestStateIsKept(t *testing.T) {
	file := model(t)
	after := probabilities(t, file, "cpu", append(voice(0.512), silence(0.1)...))
	fresh := probabilities(t, file, "cpu", silence(0.1))
	assert.Greater(t, after[16], fresh[0]+0.3)
}

func TestDetectorErrors(t *testing.T) {
	ctx := context.Background()
	_, err := newDetector(ctx, "nowhere.onnx", "cpu")
	assert.ErrorContains(t, err, "nowhere.onnx")
	d, err := newDetector(ctx, model(t), "cpu")
	require.NoError(t, err)
	_, err = d.next(ctx, make([]float32, 100))
	assert.ErrorContains(t, err, "100 samples, a chunk has 512")
	require.NoError(t, d.close())
}

func TestRun(t *testing.T) {
	o := options{model: model(t), device: "cpu", threshold: 0.5}
	var out strings.Builder
	require.NoError(t, run(context.Background(), o, demonstration(), &out))
	assert.Regexp(t, `^speech from (0\.9|1\.0)\d s to 3\.[0-3]\d s\n$`, out.String())

	out.Reset()
	o.trace = true
	short := recording(make([]float32, chunk+1))
	require.NoError(t, run(context.Background(), o, &short, &out))
	assert.Regexp(t, `^  0\.000 s  0\.\d{3}\n  0\.032 s  0\.\d{3}\n$`, out.String(), "the last chunk is filled up")

	assert.ErrorIs(t, run(context.Background(), o, failing{}, &out), errBroken)
}

// failing is audio that cannot be read.
type failing struct{}

var errBroken = errors.New("broken")

func (failing) next([]float32) (int, error) { return 0, errBroken }

// Speech begins at the threshold, short gaps do not end it, and it ends where
// the quiet began.
func TestSegmenter(t *testing.T) {
	var out strings.Builder
	s := &segmenter{threshold: 0.5}
	for _, p := range []float32{0.1, 0.5, 0.9, 0.1, 0.1, 0.4, 0.1, 0.1, 0.1, 0.1, 0.4, 0.9} {
		s.add(p, &out)
	}
	assert.Equal(t, "speech from 0.03 s to 0.19 s\n", out.String(), "chunks 1 to 5")
	s.finish(&out)
	s.finish(&out)
	assert.Equal(t, "speech from 0.03 s to 0.19 s\nspeech from 0.35 s to 0.38 s\n", out.String(), "and chunk 11")
}

// riff makes a chunk of WAV data.
func riff(name string, parts ...any) []byte {
	var body bytes.Buffer
	for _, p := range parts {
		if err := binary.Write(&body, binary.LittleEndian, p); err != nil {
			panic(err)
		}
	}
	b := binary.LittleEndian.AppendUint32([]byte(name), uint32(body.Len()))
	b = append(b, body.Bytes()...)
	return append(b, make([]byte, body.Len()%2)...)
}

// format is the chunk that describes samples.
func format(kind, channels uint16, hertz uint32, bits uint16) []byte {
	block := channels * bits / 8
	return riff("fmt ", kind, channels, hertz, hertz*uint32(block), block, bits)
}

func wave(chunks ...[]byte) []byte {
	return riff("RIFF", append([]byte("WAVE"), bytes.Join(chunks, nil)...))
}

func readAll(t *testing.T, b []byte) []float32 {
	t.Helper()
	w, err := newWAV(bytes.NewReader(b))
	require.NoError(t, err)
	to := make([]float32, 8)
	n, err := w.next(to)
	require.Equal(t, io.EOF, err)
	return to[:n]
}

func TestWAV(t *testing.T) {
	mono, stereo := format(1, 1, rate, 16), format(1, 2, rate, 16)
	data := riff("data", []int16{math.MinInt16, 0, 16384})
	assert.Equal(t, []float32{-1, 0, 0.5}, readAll(t, wave(mono, data)))
	assert.Equal(t, []float32{0.25, -0.5}, readAll(t, wave(stereo, riff("data", []int16{16384, 0, -16384, -16384}))), "the mean of the channels")
	assert.Equal(t, []float32{-1, 0, 0.5}, readAll(t, wave(riff("LIST", []byte("odd")), mono, riff("cue ", uint32(7)), data, riff("LIST", []byte("more")))))
	extended := riff("fmt ", format(1, 1, rate, 16)[8:], uint16(0))
	assert.Equal(t, []float32{-1, 0, 0.5}, readAll(t, wave(extended, data)))
	cut := wave(mono, data)
	assert.Equal(t, []float32{-1, 0}, readAll(t, cut[:len(cut)-1]), "half a sample is none")
	open := wave(mono, data)
	binary.LittleEndian.PutUint32(open[len(open)-10:], math.MaxUint32)
	assert.Equal(t, []float32{-1, 0, 0.5}, readAll(t, open), "the length was not known")
}

func TestWAVErrors(t *testing.T) {
	data := riff("data", []int16{1, 2, 3})
	whole := wave(format(1, 1, rate, 16), data)
	for name, c := range map[string]struct {
		data []byte
		want string
	}{
		"nothing":       {nil, "no WAV data"},
		"other":         {[]byte("ID3 this is other audio"), "no WAV data"},
		"no samples":    {wave(format(1, 1, rate, 16)), "ends before its samples"},
		"no format":     {wave(data), "samples before their format"},
		"cut format":    {whole[:30], "ends in its format"},
		"cut extension": {wave(riff("fmt ", format(1, 1, rate, 16)[8:], uint32(0)))[:38], "ends in its format"},
		"cut list":      {wave(riff("LIST", make([]byte, 20)))[:30], `ends in chunk "LIST"`},
		"floats":        {wave(format(3, 1, rate, 32), data), "format 3 with 1 channels of 32 bits at 16000 Hz"},
		"rate":          {wave(format(1, 2, 44100, 16), data), "at 44100 Hz"},
		"no channels":   {wave(format(1, 0, rate, 16), data), "0 channels"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := newWAV(bytes.NewReader(c.data))
			assert.ErrorContains(t, err, c.want)
		})
	}
}

func TestSource(t *testing.T) {
	file := filepath.Join(t.TempDir(), "speech.wav")
	require.NoError(t, os.WriteFile(file, wave(format(1, 1, rate, 16), riff("data", []int16{8192})), 0o644))
	audio, err := source(file)
	require.NoError(t, err)
	to := make([]float32, 2)
	n, err := audio.next(to)
	assert.Equal(t, 1, n)
	assert.Equal(t, io.EOF, err)
	assert.Equal(t, float32(0.25), to[0])

	_, err = source("nowhere.wav")
	assert.ErrorContains(t, err, "nowhere.wav")
	_, err = source("main_test.go")
	assert.ErrorContains(t, err, "main_test.go: no WAV data")
	audio, err = source("")
	require.NoError(t, err)
	assert.Len(t, *audio.(*recording), 4*rate)
}

// A voice has its energy in the formants, and silence has little.
func TestSynthesis(t *testing.T) {
	level := func(r recording) float64 {
		sum := 0.0
		for _, v := range r {
			sum += float64(v) * float64(v)
		}
		return math.Sqrt(sum / float64(len(r)))
	}
	assert.Less(t, level(silence(0.5)), 0.001)
	spoken := voice(0.5)
	assert.Greater(t, level(spoken), 0.03)
	assert.InDelta(t, 0.5, max(float64(slices.Max(spoken)), -float64(slices.Min(spoken))), 1e-6)
	// At 730 Hz, the first formant of "a", a lone resonator rings: it is louder
	// there than an octave above.
	ring := func(hertz float64) float64 {
		var y [2]float64
		peak := 0.0
		for i := range 4000 {
			out := resonate(&y, math.Sin(2*math.Pi*hertz*float64(i)/rate), 730, 60)
			if i > 2000 {
				peak = max(peak, math.Abs(out))
			}
		}
		return peak
	}
	assert.Greater(t, ring(730), 10*ring(1460))
}
