package main

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
)

// wav reads the samples of a WAV stream, the mean of its channels.
type wav struct {
	r        *bufio.Reader
	channels int
	frame    []byte // a sample of every channel
	left     int64  // bytes of samples
}

// newWAV reads a WAV stream up to its samples: RIFF chunks, of which the one
// called "fmt " has to say 16-bit integers (format 1) at 16000 a second.
func newWAV(r io.Reader) (*wav, error) {
	w := &wav{r: bufio.NewReader(r)}
	var head [12]byte
	if _, err := io.ReadFull(w.r, head[:]); err != nil || string(head[:4]) != "RIFF" || string(head[8:]) != "WAVE" {
		return nil, errors.New("no WAV data: it begins with RIFF and WAVE")
	}
	for {
		if _, err := io.ReadFull(w.r, head[:8]); err != nil {
			return nil, fmt.Errorf("the WAV data ends before its samples: %w", err)
		}
		name, size := string(head[:4]), int64(binary.LittleEndian.Uint32(head[4:]))
		switch {
		case name == "data" && w.channels == 0:
			return nil, errors.New("the WAV data has samples before their format")
		case name == "data":
			if w.left = size; size == 0 || size == math.MaxUint32 {
				w.left = math.MaxInt64 // the length was not known when it was written
			}
			return w, nil
		case name == "fmt " && size >= 16:
			if err := w.format(size); err != nil {
				return nil, err
			}
		default:
			if _, err := io.CopyN(io.Discard, w.r, size+size%2); err != nil {
				return nil, fmt.Errorf("the WAV data ends in chunk %q: %w", name, err)
			}
		}
	}
}

// format reads the chunk that says how samples are stored.
func (w *wav) format(size int64) error {
	var f struct {
		Format, Channels uint16
		Rate, Bytes      uint32
		Block, Bits      uint16
	}
	if err := binary.Read(w.r, binary.LittleEndian, &f); err != nil {
		return fmt.Errorf("the WAV data ends in its format: %w", err)
	}
	if f.Format != 1 || f.Bits != 16 || f.Channels == 0 || f.Rate != rate {
		return fmt.Errorf("format %d with %d channels of %d bits at %d Hz: what is read is format 1 (integers) of 16 bits at %d Hz",
			f.Format, f.Channels, f.Bits, f.Rate, rate)
	}
	w.channels, w.frame = int(f.Channels), make([]byte, 2*int(f.Channels))
	if _, err := io.CopyN(io.Discard, w.r, size-16+size%2); err != nil {
		return fmt.Errorf("the WAV data ends in its format: %w", err)
	}
	return nil
}

// next implements samples.
func (w *wav) next(to []float32) (int, error) {
	for i := range to {
		if w.left < int64(len(w.frame)) {
			return i, io.EOF
		}
		if _, err := io.ReadFull(w.r, w.frame); err != nil {
			if err == io.ErrUnexpectedEOF {
				err = io.EOF
			}
			return i, err
		}
		w.left -= int64(len(w.frame))
		sum := 0
		for c := range w.channels {
			sum += int(int16(binary.LittleEndian.Uint16(w.frame[2*c:])))
		}
		to[i] = float32(sum) / float32(w.channels) / (1 << 15)
	}
	return len(to), nil
}
