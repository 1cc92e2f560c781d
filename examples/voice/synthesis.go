package main

import (
	"io"
	"math"
	"math/rand/v2"
)

// recording is audio in memory.
type recording []float32

// next implements samples.
func (r *recording) next(to []float32) (int, error) {
	n := copy(to, *r)
	*r = (*r)[n:]
	if len(*r) == 0 {
		return n, io.EOF
	}
	return n, nil
}

// demonstration is a second of silence, two of a synthetic voice and one of
// silence.
func demonstration() *recording {
	r := silence(1)
	r = append(r, voice(2)...)
	r = append(r, silence(1)...)
	return &r
}

// silence is faint noise, 60 dB below full scale.
func silence(duration float64) recording {
	random := rand.New(rand.NewPCG(1, 2))
	r := make(recording, int(duration*rate))
	for i := range r {
		r[i] = float32(0.001 * (2*random.Float64() - 1))
	}
	return r
}

// vowels are the first three formants, in Hz, of a, e, i, o and u of a man's
// voice (after Peterson and Barney, "Control Methods Used in a Study of the
// Vowels", 1952).
var vowels = [][3]float64{{730, 1090, 2440}, {530, 1840, 2480}, {270, 2290, 3010}, {570, 840, 2410}, {300, 870, 2240}}

// voice says vowels, four a second, by the source-filter model: the pulses of
// the vocal folds, about 120 a second, through a resonator for each formant.
func voice(duration float64) recording {
	r := make(recording, int(duration*rate))
	var state [3][2]float64 // of the resonators
	phase, peak := 0.0, 0.0
	for i := range r {
		t := float64(i) / rate
		phase += (120 + 15*math.Sin(2*math.Pi*0.7*t) + 3*math.Sin(2*math.Pi*5*t)) / rate
		source := 0.0
		if phase >= 1 {
			phase--
			source = 1
		}
		x := source
		for f, frequency := range vowels[int(t*4)%len(vowels)] {
			x = resonate(&state[f], x, frequency, 60+40*float64(f))
		}
		syllable := math.Sin(math.Pi * math.Mod(t*4, 1)) // louder in the middle
		r[i] = float32(x * syllable)
		peak = max(peak, math.Abs(float64(r[i])))
	}
	for i := range r {
		r[i] *= float32(0.5 / peak)
	}
	return r
}

// resonate is a second-order resonator of unit gain at 0 Hz (Klatt, "Software
// for a cascade/parallel formant synthesizer", 1980): y = a·x + b·y[-1] + c·y[-2].
func resonate(y *[2]float64, x, frequency, bandwidth float64) float64 {
	c := -math.Exp(-2 * math.Pi * bandwidth / rate)
	b := 2 * math.Exp(-math.Pi*bandwidth/rate) * math.Cos(2*math.Pi*frequency/rate)
	out := (1-b-c)*x + b*y[0] + c*y[1]
	y[1], y[0] = y[0], out
	return out
}
