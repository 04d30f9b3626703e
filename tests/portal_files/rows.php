<?php
// Reads a query row by row, as JSON lines: php rows.php SOCKET DATABASE < QUERY
// A text that is not UTF-8 is given as ["hex"].
[, $socket, $database] = $argv;
mysqli_report(MYSQLI_REPORT_ERROR | MYSQLI_REPORT_STRICT);
$line = new mysqli('localhost', 'root', '', $database, 0, $socket);
$line->set_charset('utf8mb4');
$line->query('START TRANSACTION READ ONLY');
foreach ($line->query(stream_get_contents(STDIN), MYSQLI_USE_RESULT) as $row) {
    foreach ($row as $name => $value) {
        if (is_string($value) && !mb_check_it($value)) {
            $row[$name] = [bin2hex($value)];
        }
    }
    echo json_encode($row, JSON_UNESCAPED_UNICODE | JSON_THROW_ON_ERROR), "\n";
}

function mb_check_it(string $value): bool {
    return preg_match('//u', $value) === 1;
}
