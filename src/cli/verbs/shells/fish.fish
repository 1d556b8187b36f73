function __phaseledger_complete
    set -l words (commandline --current-process --tokenize --cut-at-cursor)
    set -l current (commandline --current-token --cut-at-cursor | string unescape)
    PROGRAM completions fish -- $words "$current" 2>/dev/null </dev/null
end
complete --keep-order --no-files --command phaseledger --arguments '(__phaseledger_complete)'
