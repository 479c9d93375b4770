package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"time"

	"centralino/internal/audio"
)

// controlName is the Unix socket in the data folder by which the subcommands speak
// to a running box. Whoever may open the folder (mode 0700) may use it.
const controlName = "control.sock"

// controlLongest is how long the path of a Unix socket may be (sockaddr_un has 108
// octets on Linux, 104 elsewhere, with the closing zero).
const controlLongest = 103

// controlRequest is one line of JSON from a subcommand.
type controlRequest struct {
	Do     string `json:"do"` // "ring", "answer", "button", "unplug", "replug", "watch"
	Line   string `json:"line,omitempty"`
	From   string `json:"from,omitempty"`
	Name   string `json:"name,omitempty"`
	Keys   string `json:"keys,omitempty"`   // pressed one after the other once answered
	HoldMS int    `json:"holdMS,omitempty"` // how long the button is held
	EndMS  int    `json:"endMS,omitempty"`  // the far party hangs up so long after the answer
	Say    []byte `json:"say,omitempty"`    // what the far party says, A-law at 8 kHz; a greeting and music if empty
	Record bool   `json:"record,omitempty"` // send back what the far party heard
	WaitMS int    `json:"waitMS,omitempty"` // answer: how long to ring before picking up
}

// controlReply is one line of JSON back; several may come. The last one has Done.
type controlReply struct {
	Text  string `json:"text,omitempty"`
	Error string `json:"error,omitempty"`
	Done  bool   `json:"done,omitempty"`
	Heard []byte `json:"heard,omitempty"` // with Done: A-law at 8 kHz
}

// controlLimit bounds a request: two minutes of speech in base 64.
const controlLimit = 2 << 20

// control listens for subcommands and hands them to handle.
type control struct {
	path   string
	handle func(ctx context.Context, r controlRequest, say func(string)) (heard []byte, err error)
	log    *slog.Logger
}

// Run serves until ctx ends. A socket left behind by a killed box is replaced.
func (c *control) Run(ctx context.Context) error {
	if conn, err := net.DialTimeout("unix", c.path, time.Second); err == nil {
		conn.Close()
		return fmt.Errorf("another box is running in %s", filepath.Dir(c.path))
	}
	_ = os.Remove(c.path)
	l, err := net.Listen("unix", c.path)
	if err != nil {
		return fmt.Errorf("listen on %s: %w", c.path, err)
	}
	defer os.Remove(c.path)
	stop := context.AfterFunc(ctx, func() { l.Close() })
	defer stop()
	for {
		conn, err := l.Accept()
		if err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return fmt.Errorf("accept on %s: %w", c.path, err)
		}
		// One request a connection; it ends with its client, its own limit of ten
		// minutes, or ctx.
		go c.serve(ctx, conn)
	}
}

func (c *control) serve(ctx context.Context, conn net.Conn) {
	defer conn.Close()
	ctx, cancel := context.WithTimeout(ctx, 10*time.Minute)
	defer cancel()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	var r controlRequest
	if err := json.NewDecoder(io.LimitReader(conn, controlLimit)).Decode(&r); err != nil {
		return
	}
	go func() { // ends with the connection: who goes away (Ctrl-C) hangs up
		_, _ = io.Copy(io.Discard, conn)
		cancel()
	}()
	out := json.NewEncoder(conn)
	say := func(text string) {
		if out.Encode(controlReply{Text: text}) != nil {
			cancel()
		}
	}
	last := controlReply{Done: true}
	heard, err := c.handle(ctx, r, say)
	if err != nil {
		last.Error = err.Error()
	}
	last.Heard = heard
	_ = out.Encode(last) // a client that is gone hears nothing
}

// askBox sends a request to the box in a data folder, prints what it says and
// returns what a far party heard.
func askBox(folder string, r controlRequest, out io.Writer) ([]byte, error) {
	conn, err := net.DialTimeout("unix", filepath.Join(folder, controlName), 2*time.Second)
	if err != nil {
		return nil, &exitError{exitNotAlive, "Start it with 'appliance serve -sim', or name its data folder with -data", errors.New("no box answers in " + folder)}
	}
	defer conn.Close()
	if err := json.NewEncoder(conn).Encode(r); err != nil {
		return nil, err
	}
	in := json.NewDecoder(conn)
	for {
		var reply controlReply
		if err := in.Decode(&reply); err != nil {
			return nil, fmt.Errorf("the box stopped answering: %w", err)
		}
		if reply.Text != "" {
			fmt.Fprintln(out, reply.Text)
		}
		if reply.Error != "" {
			return nil, errors.New(reply.Error)
		}
		if reply.Done {
			return reply.Heard, nil
		}
	}
}

// audioFlags lets a subcommand say and record WAV files.
type audioFlags struct{ say, record string }

func (a *audioFlags) add(f *flag.FlagSet) {
	f.StringVar(&a.say, "say", "", "WAV file (8 kHz, mono) that the far party says; a greeting and music if empty")
	f.StringVar(&a.record, "record", "", "WAV file to write with what the far party heard")
}

// ask sends r with the audio asked for and keeps what comes back.
func (a *audioFlags) ask(folder string, r controlRequest, out io.Writer) error {
	if a.say != "" {
		pcm, err := readSpeech(a.say)
		if err != nil {
			return err
		}
		r.Say = make([]byte, len(pcm))
		audio.LinearToALaw(r.Say, pcm)
	}
	r.Record = a.record != ""
	heard, err := askBox(folder, r, out)
	if err != nil || a.record == "" {
		return err
	}
	return os.WriteFile(a.record, audio.AppendWAV(nil, audio.WAV{Rate: 8000, Format: audio.WAVPCM, Samples: linear(heard)}), 0o644)
}

func readSpeech(path string) ([]int16, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	w, err := audio.ParseWAV(b)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if w.Rate != 8000 {
		return nil, fmt.Errorf("%s has %d Hz; 8000 are needed", path, w.Rate)
	}
	return w.Samples, nil
}

// ringCommand makes the simulated exchange ring a line.
func ringCommand(args []string, out, errOut io.Writer) error {
	f := flag.NewFlagSet("call", flag.ContinueOnError)
	f.SetOutput(errOut)
	r := controlRequest{Do: "ring"}
	var sound audioFlags
	folder := f.String("data", "data", "data folder of the running box")
	f.StringVar(&r.Line, "line", "line-1", "which line rings")
	f.StringVar(&r.From, "from", "0612345678", "the caller's number; 'P' withholds it")
	f.StringVar(&r.Name, "name", "", "the caller's name as the network sends it")
	f.StringVar(&r.Keys, "keys", "1", "keys that the caller presses, one every 4 s from the answer on; a comma is none")
	end := f.Duration("for", 2*time.Minute, "the caller hangs up so long after the answer")
	sound.add(f)
	if err := f.Parse(args); err != nil {
		return usageError(err)
	}
	r.EndMS = int(end.Milliseconds())
	return sound.ask(*folder, r, out)
}

// answerCommand waits for a call that the box makes and answers it.
func answerCommand(args []string, out, errOut io.Writer) error {
	f := flag.NewFlagSet("answer", flag.ContinueOnError)
	f.SetOutput(errOut)
	r := controlRequest{Do: "answer"}
	var sound audioFlags
	folder := f.String("data", "data", "data folder of the running box")
	wait := f.Duration("after", 2*time.Second, "how long it rings before somebody picks up")
	end := f.Duration("for", 2*time.Minute, "the far party hangs up so long after the answer")
	sound.add(f)
	if err := f.Parse(args); err != nil {
		return usageError(err)
	}
	r.WaitMS, r.EndMS = int(wait.Milliseconds()), int(end.Milliseconds())
	return sound.ask(*folder, r, out)
}

// buttonCommand holds the simulated button.
func buttonCommand(args []string, out, errOut io.Writer) error {
	f := flag.NewFlagSet("button", flag.ContinueOnError)
	f.SetOutput(errOut)
	folder := f.String("data", "data", "data folder of the running box")
	hold := f.Duration("hold", 4*time.Second, "how long it is held: below 1s lamp test, 3s to 6s ten minutes for claiming the box or pairing phones, 8s to 12s restart, 15s to 20s new password")
	if err := f.Parse(args); err != nil {
		return usageError(err)
	}
	_, err := askBox(*folder, controlRequest{Do: "button", HoldMS: int(hold.Milliseconds())}, out)
	return err
}

// plugCommand pulls out the simulated modem of a line (do is "unplug") or puts it
// back under another device name ("replug").
func plugCommand(do string) func(args []string, out, errOut io.Writer) error {
	return func(args []string, out, errOut io.Writer) error {
		f := flag.NewFlagSet(do, flag.ContinueOnError)
		f.SetOutput(errOut)
		folder := f.String("data", "data", "data folder of the running box")
		line := f.String("line", "line-1", "whose modem")
		if err := f.Parse(args); err != nil {
			return usageError(err)
		}
		_, err := askBox(*folder, controlRequest{Do: do, Line: *line}, out)
		return err
	}
}

func usageError(err error) error {
	if errors.Is(err, flag.ErrHelp) {
		return nil
	}
	return &exitError{exitUsage, "Run 'appliance help' to see the commands", err}
}
