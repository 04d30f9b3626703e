<?php
// A small portal with the tables, folders and habits of NukeViet 4.5, written for the tests: every
// visit is counted, whoever visits has a session, pages are kept below data/cache, banners take
// turns, and what is sent goes through data/tmp.
const ROOT = __DIR__;
mysqli_report(MYSQLI_REPORT_ERROR | MYSQLI_REPORT_STRICT);
date_default_timezone_set('Asia/Ho_Chi_Minh');
require ROOT . '/config.php';
require ROOT . '/data/config/config_global.php';

[$host, $socket] = str_starts_with($db_config['dbhost'], '/') ? ['localhost', $db_config['dbhost']] : [$db_config['dbhost'], null];
$db = new mysqli($host, $db_config['dbuname'], $db_config['dbpass'], $db_config['dbname'], null, $socket);
$db->set_charset('utf8mb4');

function rows(string $sql, array $values = []): array {
    return $GLOBALS['db']->execute_query($sql, $values ?: null)->fetch_all(MYSQLI_ASSOC);
}

function text(?string $stored): string { // one line of text is stored with entities
    return htmlspecialchars(html_entity_decode((string) $stored, ENT_QUOTES), ENT_NOQUOTES);
}

function not_there(): never {
    http_response_code(404);
    exit('<!doctype html><title>404</title><h1>Không có trang này</h1>');
}

function cached(string $name, callable $make): string {
    $file = ROOT . '/data/cache/vi_' . md5($name) . '.cache';
    if (is_file($file) && filemtime($file) > time() - $GLOBALS['config_global']['cache_seconds']) {
        return file_get_contents($file);
    }
    $made = $make();
    @file_put_contents($file, $made);
    return $made;
}

function count_visit(): void {
    global $db, $config_global;
    $now = time();
    $periods = ['total' => 'hits', 'year' => date('Y'), 'month' => date('M'), 'day' => date('d'),
        'dayofweek' => date('l'), 'hour' => date('H')];
    foreach ($periods as $type => $value) {
        $db->execute_query('INSERT INTO nv4_counter VALUES (?, ?, ?, 1, 1) ON DUPLICATE KEY UPDATE'
            . ' c_count = c_count + 1, vi_count = vi_count + 1, last_update = VALUES(last_update)', [$type, $value, $now]);
    }
    $visitor = md5(($_SERVER['REMOTE_ADDR'] ?? '') . ($_SERVER['HTTP_USER_AGENT'] ?? ''));
    $db->execute_query('REPLACE INTO nv4_sessions VALUES (?, 0, ?, ?)', [$visitor, 'guest', $now]);
    $db->execute_query('DELETE FROM nv4_sessions WHERE onl_time < ?', [$now - $config_global['online_seconds']]);
}

// /tin-tuc/thoi-su/ten-bai-7.html, /lien-he/, or index.php?language=vi&nv=tin-tuc&op=thoi-su/ten-bai-7.html
$path = trim(rawurldecode(parse_url($_SERVER['REQUEST_URI'], PHP_URL_PATH)), '/');
[$title, $op] = $path === '' || $path === 'index.php'
    ? [$_GET['nv'] ?? 'tin-tuc', $_GET['op'] ?? ''] : explode('/', "$path/", 2);
$op = trim($op, '/');
$module = rows('SELECT * FROM nv4_vi_modules WHERE act = 1 AND (title = ? OR module_data = ?)', [$title, $title])[0] ?? not_there();
count_visit();
$main = require ROOT . "/modules/{$module['module_file']}/main.php"; // ['title' => …, 'html' => …]
require ROOT . '/themes/default/layout.php';
