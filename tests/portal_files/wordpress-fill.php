<?php
// Installs WordPress by its own function and fills it: php wordpress-fill.php FOLDER ADDRESS PASSWORD
[, $folder, $address, $password] = $argv;
$_SERVER['HTTP_HOST'] = parse_url($address, PHP_URL_HOST);
define('WP_INSTALLING', true);
define('WP_SITEURL', $address);

function wp_new_blog_notification() {} // it would send a mail

require "$folder/wp-load.php";
require_once ABSPATH . 'wp-admin/includes/upgrade.php';
require_once ABSPATH . 'wp-admin/includes/image.php';

const PANGRAM = 'Ngày thứ bảy, cụ Khuyển đã vượt qua dốc Ỷ Lan để gõ cửa nhà ông Đặng Hữu Phước, '
    . 'xin chữ “Nhẫn” – kẻo lỡ dịp mừng thọ; trẻ nhỏ ùa ra đón, ríu rít kể chuyện bão lũ năm ấy.';
// Every vowel of Vietnamese under every mark, as one letter and as letter and combining marks.
const COMPOSED = 'áàảãạ ăắằẳẵặ âấầẩẫậ éèẻẽẹ êếềểễệ íìỉĩị óòỏõọ ôốồổỗộ ơớờởỡợ úùủũụ ưứừửữự ýỳỷỹỵ đ '
    . 'ÁÀẢÃẠ ĂẮẰẲẴẶ ÂẤẦẨẪẬ ÉÈẺẼẸ ÊẾỀỂỄỆ ÍÌỈĨỊ ÓÒỎÕỌ ÔỐỒỔỖỘ ƠỚỜỞỠỢ ÚÙỦŨỤ ƯỨỪỬỮỰ ÝỲỶỸỴ Đ';
const DECOMPOSED = "a\u{301} a\u{302}\u{301} a\u{306}\u{323} e\u{302}\u{303} o\u{31B}\u{309} u\u{31B}\u{323}";

wp_install('Cổng thông tin điện tử tỉnh', 'quantri', 'quantri@example.vn', true, '', $password, 'vi');
update_option('blogdescription', 'Thông tin chính thống 🏛️');
update_option('WPLANG', 'vi');
update_option('timezone_string', 'Asia/Ho_Chi_Minh');
update_option('posts_per_page', 20);

$editors = [];
foreach (['bientap' => 'Biên tập viên', 'vanthu' => 'Văn thư Sở'] as $login => $name) {
    $editors[] = must(wp_insert_user([
        'user_login' => $login, 'user_pass' => "$password $login", 'display_name' => $name,
        'user_email' => "$login@example.vn", 'role' => 'editor',
    ]));
}
for ($number = 1; $number <= 40; $number++) {
    $id = must(wp_insert_post([
        'import_id' => 1000 + $number,
        'post_title' => "Thông báo số $number/TB-UBND về lịch tiếp công dân 🏛️",
        'post_content' => '<!-- wp:paragraph --><p>' . PANGRAM . "</p><!-- /wp:paragraph -->\n\n"
            . '<!-- wp:paragraph --><p>' . COMPOSED . ' · ' . DECOMPOSED . " · dòng $number</p><!-- /wp:paragraph -->",
        'post_status' => $number % 10 ? 'publish' : 'private',
        'post_author' => $editors[$number % 2],
        'post_date' => sprintf('2026-%02d-%02d 08:30:00', 1 + $number % 11, 1 + $number % 28),
        'post_category' => [1],
    ], true));
    for ($reply = 0; $reply < $number % 4; $reply++) {
        must(wp_insert_comment([
            'comment_post_ID' => $id, 'comment_approved' => $reply % 3 ? 0 : 1,
            'comment_author' => "Người dân $reply", 'comment_author_email' => 'dan@example.vn',
            'comment_content' => "Góp ý thứ $reply: đề nghị công khai <b>kế hoạch</b> & thời hạn. " . DECOMPOSED,
            'comment_date' => '2026-11-01 09:00:00',
        ]));
    }
}
must(wp_insert_post([
    'import_id' => 2000, 'post_type' => 'page', 'post_title' => 'Liên hệ', 'post_status' => 'publish',
    'post_content' => '<p>Đường dây nóng: 1022 – ' . COMPOSED . '</p>', 'post_author' => $editors[0],
], true));
mt_srand(20261124);
for ($number = 1; $number <= 12; $number++) {
    $image = imagecreatetruecolor(640, 420);
    for ($dot = 0; $dot < 60; $dot++) {
        imagefilledellipse($image, mt_rand(0, 640), mt_rand(0, 420), mt_rand(20, 300),
            mt_rand(20, 300), mt_rand(0, 0xFFFFFF));
    }
    ob_start();
    imagejpeg($image, null, 88);
    $upload = wp_upload_bits("anh-$number.jpg", null, ob_get_clean(), '2026/11');
    $upload['error'] && exit($upload['error']);
    $id = must(wp_insert_attachment([
        'import_id' => 3000 + $number, 'post_title' => "Ảnh hội nghị số $number", 'post_status' => 'inherit',
        'post_mime_type' => 'image/jpeg', 'guid' => $upload['url'],
    ], $upload['file'], 1000 + $number, true));
    wp_update_attachment_metadata($id, wp_generate_attachment_metadata($id, $upload['file']));
}
echo 'filled';

function must($value) {
    if (is_wp_error($value)) {
        exit($value->get_error_message());
    }
    return $value;
}
