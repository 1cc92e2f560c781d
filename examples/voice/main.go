// Command voice tells where somebody speaks in a recording, or in what comes
// through standard input, with the Silero voice activity detector.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"

	_ "example.com/midplane/backends/cpu"
	_ "example.com/midplane/backends/emu"
)

// rate is how many samples a second the detector takes.
const rate = 16000

// options are the settings of a run.
type options struct {
	model     string // file of the detector
	device    string
	threshold float64 // probability from which on somebody speaks
	trace     bool    // print the probability of every chunk
}

func main() {
	var o options
	flag.StringVar(&o.model, "model", filepath.Join(os.Getenv("MIDPLANE_MODELS"), "silero_vad_v5", "model.onnx"), "`file` of the detector, silero_vad_v5.onnx")
	flag.StringVar(&o.device, "device", "cpu", "device to run on")
	flag.Float64Var(&o.threshold, "threshold", 0.5, "probability from which on somebody speaks")
	flag.BoolVar(&o.trace, "trace", false, "print the probability of every chunk")
	flag.Parse()
	audio, err := source(flag.Arg(0))
	if err == nil {
		err = run(context.Background(), o, audio, os.Stdout)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "voice:", err)
		os.Exit(1)
	}
}

// samples are what audio comes from: next fills the slice with samples from -1
// to 1, and returns io.EOF with how many there were at the end.
type samples interface {
	next([]float32) (int, error)
}

// source opens a WAV file, standard input where it is "-", or, without a name,
// a synthetic voice between silence.
func source(name string) (samples, error) {
	switch name {
	case "":
		return demonstration(), nil
	case "-":
		return newWAV(os.Stdin)
	}
	f, err := os.Open(name) // open until the program ends
	if err != nil {
		return nil, err
	}
	w, err := newWAV(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return w, nil
}

// run prints from when to when somebody speaks, as soon as that is known.
func run(ctx context.Context, o options, audio samples, w io.Writer) (err error) {
	d, err := newDetector(ctx, o.model, o.device)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.close()) }()
	speech := &segmenter{threshold: o.threshold}
	buffer := make([]float32, chunk)
	for i := 0; ; i++ {
		n, end := audio.next(buffer)
		if end != nil && end != io.EOF {
			return end
		}
		if n > 0 {
			clear(buffer[n:])
			p, err := d.next(ctx, buffer)
			if err != nil {
				return err
			}
			if o.trace {
				fmt.Fprintf(w, "%7.3f s  %.3f\n", seconds(i), p)
			}
			speech.add(p, w)
		}
		if end != nil {
			speech.finish(w)
			return nil
		}
	}
}

// seconds is the time at which the i-th chunk begins.
func seconds(i int) float64 { return float64(i*chunk) / rate }

// segmenter joins chunks of speech.
type segmenter struct {
	threshold float64
	chunks    int // seen so far
	speaking  bool
	start     int // the chunk with which the speech began
	quiet     int // chunks without speech at the end
}

// Speech begins where the probability reaches the threshold, and ends where it
// stays below the threshold less hysteresis for pause chunks (0.1 s).
const (
	hysteresis = 0.15
	pause      = 3
)

// add takes the probability of the next chunk.
func (s *segmenter) add(p float32, w io.Writer) {
	switch {
	case float64(p) >= s.threshold && !s.speaking:
		s.speaking, s.start, s.quiet = true, s.chunks, 0
	case float64(p) >= s.threshold-hysteresis:
		s.quiet = 0
	default:
		s.quiet++
	}
	s.chunks++
	if s.speaking && s.quiet == pause {
		s.finish(w)
	}
}

// finish prints the speech that is not printed yet.
func (s *segmenter) finish(w io.Writer) {
	if s.speaking {
		fmt.Fprintf(w, "speech from %.2f s to %.2f s\n", seconds(s.start), seconds(s.chunks-s.quiet))
	}
	s.speaking = false
}
