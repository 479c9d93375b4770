package acd

import (
	"sync"

	"centralino/acd/engine"
)

// letter is one message to the owner: a command, a new configuration, or a look
// at the state (look set). reply has room for its one answer.
type letter struct {
	cmd    engine.Command
	config *engine.Config
	look   chan *Snapshot
	reply  chan answer
}

type answer struct {
	agent AgentStatus
	err   error
}

// mailLimit bounds the letters that wait for the owner: he takes some hundred
// thousand a second, so this many are a hundredth of a second behind. New work
// (calls that want to enter, wishes of agents) is refused beyond it. Facts about
// calls and agents are taken always, since a lost one would leave a call in line
// for ever; each admitted call and each person causes only a few of them.
const mailLimit = 4096

// mailbox is what waits for the owner, in order.
type mailbox struct {
	mu      sync.Mutex
	letters []letter
	wake    chan struct{} // capacity 1: full means the owner is called already
}

// put hands over a letter.
func (m *mailbox) put(l letter) {
	m.mu.Lock()
	m.letters = append(m.letters, l)
	m.mu.Unlock()
	m.call()
}

// offer hands over a letter unless too many wait.
func (m *mailbox) offer(l letter) bool {
	m.mu.Lock()
	if len(m.letters) >= mailLimit {
		m.mu.Unlock()
		return false
	}
	m.letters = append(m.letters, l)
	m.mu.Unlock()
	m.call()
	return true
}

func (m *mailbox) call() {
	select {
	case m.wake <- struct{}{}:
	default:
	}
}

// take returns all letters and leaves the emptied slice of the last time for new
// ones.
func (m *mailbox) take(last []letter) []letter {
	clear(last)
	m.mu.Lock()
	defer m.mu.Unlock()
	full := m.letters
	m.letters = last[:0]
	return full
}
