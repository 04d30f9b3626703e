<?php
// A question to an office, with a paper where somebody sends one: it waits in data/tmp on its way.
$form = '<form method="post" enctype="multipart/form-data"><label>Tiêu đề <input name="title"></label>'
    . '<label>Nội dung <textarea name="content"></textarea></label><input type="file" name="paper"></form>';
if ($_SERVER['REQUEST_METHOD'] !== 'POST') {
    $office = rows('SELECT full_name FROM nv4_vi_contact_department ORDER BY id')[0]['full_name'];
    return ['title' => 'Liên hệ', 'html' => '<h1>Liên hệ</h1><p>' . text($office) . "</p>$form"];
}
$name = '';
if (isset($_FILES['paper'])) {
    $waiting = ROOT . '/data/tmp/' . bin2hex(random_bytes(8));
    $name = preg_replace('/[^\w.-]/', '_', basename($_FILES['paper']['name']));
    if (!@move_uploaded_file($_FILES['paper']['tmp_name'], $waiting) || !rename($waiting, ROOT . "/uploads/contact/$name")) {
        http_response_code(500);
        return ['title' => 'Lỗi', 'html' => '<h1>Không nhận được tệp</h1>'];
    }
}
$db->execute_query('INSERT INTO nv4_vi_contact_send (id, title, content, send_time, sender_name, sender_email)'
    . ' SELECT MAX(id) + 1, ?, ?, UNIX_TIMESTAMP(), ?, ? FROM nv4_vi_contact_send',
    [$_POST['title'] ?? '', trim(($_POST['content'] ?? '') . " $name"), 'Người dân', 'dan@example.vn']);
return ['title' => 'Liên hệ', 'html' => '<h1>Đã nhận</h1>'];
